# mistake: the ids are taken while nobody is mapped
# fails: root_order
# says: the step 'root' fails


ROOT_ORDER = ["unshare", "root", "maps", "file"]
