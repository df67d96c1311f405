# mistake: the bounding set alone; the process itself keeps all that it has, inheritable too
# fails: drop_now
# says: has not the capabilities of now

def drop_capabilities(kernel, keep, now):
    for number in range(len(CAPABILITIES)):
        if not keep >> number & 1:
            kernel.prctl(PR_CAPBSET_DROP, number)
