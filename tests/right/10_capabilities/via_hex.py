# right: bit by bit from the lowest, with named arguments


def drop_capabilities(kernel, keep, now):
    rest = ~keep & ((1 << len(CAPABILITIES)) - 1)
    while rest:
        low = rest & -rest
        kernel.prctl(PR_CAPBSET_DROP, low.bit_length() - 1)
        rest ^= low
    kernel.capset(effective=now, permitted=now, inheritable=0)
