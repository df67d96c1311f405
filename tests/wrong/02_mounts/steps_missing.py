# mistake: a step is missing
# fails: wall_order
# says: not a list of the four steps

WALL_ORDER = ["unshare", "fork", "proc"]
