# mistake: root of the host becomes root of the host
# fails: root_order
# says: belongs to the wrong ids outside


ROOT_ORDER = ["root", "unshare", "maps", "file"]
