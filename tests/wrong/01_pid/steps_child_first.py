# mistake: child() is called by the caller itself
# fails: order
# says: nobody was forked

SPAWN_ORDER = ["unshare", "child", "fork", "return"]
