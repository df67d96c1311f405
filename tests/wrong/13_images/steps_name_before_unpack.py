# mistake: the name is set when the layers are checked, but not unpacked
# fails: pull_order
# says: the name is there

PULL_ORDER = ["manifest", "layers", "check", "name", "unpack"]
