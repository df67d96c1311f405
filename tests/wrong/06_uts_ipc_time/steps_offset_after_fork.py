# mistake: the child is in the namespace already, so nobody may set the clock
# fails: time_order
# says: In this order the step 'offset' fails

TIME_ORDER = ["unshare", "fork", "offset", "clock"]
