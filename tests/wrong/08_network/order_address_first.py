# mistake: the address is given before the move, which takes it away
# fails: connect_order
# says: leaves its addresses behind

CONNECT_ORDER = ["pair", "address", "up", "move", "route"]
