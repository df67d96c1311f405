# mistake: the maps are written before there is a namespace
# fails: root_order
# says: the step 'maps' fails


ROOT_ORDER = ["maps", "unshare", "root", "file"]
