# mistake: the child of the fork stays in the old pid namespace
# fails: wall_order
# says: is not number 1

WALL_ORDER = ["fork", "unshare", "private", "proc"]
