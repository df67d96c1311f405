# mistake: a step is missing
# fails: order
# says: not a list of the four steps

SPAWN_ORDER = ["unshare", "fork", "child"]
