# mistake: a step is left out
# fails: order
# says: not a list of the four steps


ROOT_ORDER = ["unshare", "maps", "file"]
