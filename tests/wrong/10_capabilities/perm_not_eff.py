# mistake: permitted, and none of it effective
# fails: drop_now
# says: CapEff: none


def drop_capabilities(kernel, keep, now):
    for number in range(len(CAPABILITIES)):
        if not keep >> number & 1:
            kernel.prctl(PR_CAPBSET_DROP, number)
    kernel.capset(0, now, 0)
