# right: address and up in the other order

CONNECT_ORDER = ("pair", "move", "up", "address", "route")
