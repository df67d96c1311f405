# mistake: the file is made with the old ids: it belongs to root of the host
# fails: root_order
# says: belongs to the wrong ids outside


ROOT_ORDER = ["unshare", "maps", "file", "root"]
