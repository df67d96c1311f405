# mistake: what the process has now stays in the bounding set
# fails: drop_now
# says: CapBnd


def drop_capabilities(kernel, keep, now):
    for number in range(len(CAPABILITIES)):
        if not (keep | now) >> number & 1:
            kernel.prctl(PR_CAPBSET_DROP, number)
    kernel.capset(now, now, 0)
