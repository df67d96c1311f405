# mistake: nothing is there that could be moved
# fails: connect_order
# says: the step 'move' fails

CONNECT_ORDER = ["move", "pair", "address", "up", "route"]
