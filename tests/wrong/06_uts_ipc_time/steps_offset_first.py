# mistake: the clock of the namespace that everybody is in cannot be set
# fails: time_order
# says: In this order the step 'offset' fails

TIME_ORDER = ["offset", "unshare", "fork", "clock"]
