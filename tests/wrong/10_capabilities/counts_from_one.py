# mistake: capability 0 is left in the bounding set
# fails: drop_now
# says: CHOWN


def drop_capabilities(kernel, keep, now):
    for number in range(1, len(CAPABILITIES)):
        if not keep >> number & 1:
            kernel.prctl(PR_CAPBSET_DROP, number)
    kernel.capset(now, now, 0)
