# mistake: the sets are thought to have 32 bits
# fails: drop_exec
# says: bounding set


def drop_capabilities(kernel, keep, now):
    for number in range(32):
        if not keep >> number & 1:
            kernel.prctl(PR_CAPBSET_DROP, number)
    kernel.capset(now, now, 0)
