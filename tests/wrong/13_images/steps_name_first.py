# mistake: the name is set first
# fails: pull_order
# says: the name is there

PULL_ORDER = ["name", "manifest", "layers", "check", "unpack"]
