# mistake: the fork comes before there is a namespace
# fails: order
# says: has no number 1 of its own

SPAWN_ORDER = ["fork", "unshare", "child", "return"]
