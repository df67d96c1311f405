# mistake: one step is missing
# fails: time_order
# says: is not a list of the four steps

TIME_ORDER = ["unshare", "offset", "clock"]
