# mistake: mounted first, made private later: it went to the host
# fails: wall_order
# says: is seen outside at /proc

WALL_ORDER = ["unshare", "fork", "proc", "private"]
