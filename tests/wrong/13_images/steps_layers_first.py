# mistake: layers are asked for before the manifest that names them
# fails: pull_order
# says: Nobody knows yet

PULL_ORDER = ["layers", "manifest", "check", "unpack", "name"]
