# mistake: the ids are taken while nobody is mapped
# fails: order
# says: the step 'root' fails


ROOT_ORDER = ["unshare", "root", "maps", "file"]
