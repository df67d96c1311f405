# mistake: a refused capset is passed over: the capabilities stay
# fails: drop_now
# says: goes on in silence


def drop_capabilities(kernel, keep, now):
    for number in range(len(CAPABILITIES)):
        if not keep >> number & 1:
            kernel.prctl(PR_CAPBSET_DROP, number)
    try:
        kernel.capset(now, now, 0)
    except OSError:
        pass
