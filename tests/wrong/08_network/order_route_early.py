# mistake: a route by an interface that is down
# fails: connect_order
# says: that is down has no routes

CONNECT_ORDER = ["pair", "move", "address", "route", "up"]
