# mistake: the child is made before its namespace is
# fails: time_order
# says: is not moved by 500 s

TIME_ORDER = ["fork", "unshare", "offset", "clock"]
