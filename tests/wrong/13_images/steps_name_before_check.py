# mistake: the name is set before the check
# fails: pull_order
# says: the name is there

PULL_ORDER = ["manifest", "layers", "name", "check", "unpack"]
