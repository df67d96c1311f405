# mistake: capset alone; an exec by root fills the sets from the bounding set again
# fails: drop_exec
# says: the bounding set has them

def drop_capabilities(kernel, keep, now):
    kernel.capset(now, now, 0)
