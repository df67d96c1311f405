# mistake: a step is left out
# fails: connect_order
# says: not a list of the five steps

CONNECT_ORDER = ["pair", "move", "address", "up"]
