# mistake: a route by an interface that is down
# fails: connect_order
# says: the step 'route' fails

CONNECT_ORDER = ["pair", "move", "address", "route", "up"]
