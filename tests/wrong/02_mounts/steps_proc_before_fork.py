# mistake: /proc is mounted by a process of the old pid namespace
# fails: wall_order
# says: does not show the processes of the new

WALL_ORDER = ["unshare", "private", "proc", "fork"]
