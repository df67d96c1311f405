# mistake: nothing is there that could be moved
# fails: connect_order
# says: before the pair is made

CONNECT_ORDER = ["move", "pair", "address", "up", "route"]
