# mistake: a step is left out
# fails: root_order
# says: not a list of the four steps


ROOT_ORDER = ["unshare", "maps", "file"]
