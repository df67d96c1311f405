# mistake: the host's own mounts are made private
# fails: wall_order
# says: The table outside has changed

WALL_ORDER = ["private", "unshare", "fork", "proc"]
