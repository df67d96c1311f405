# mistake: unpacked first, checked afterwards
# fails: pull_order
# says: nothing is unpacked

PULL_ORDER = ["manifest", "layers", "unpack", "check", "name"]
