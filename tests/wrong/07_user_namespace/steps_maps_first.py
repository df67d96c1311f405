# mistake: the maps are written before there is a namespace
# fails: order
# says: the step 'maps' fails


ROOT_ORDER = ["maps", "unshare", "root", "file"]
