# mistake: a step is left out
# fails: pull_order
# says: is not a list of the five steps

PULL_ORDER = ["manifest", "layers", "unpack", "name"]
