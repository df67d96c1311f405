# right: the kernel's own method drops what is in neither; capset then gives the rest up
def drop_capabilities(kernel, keep, now):
    for number in reversed(range(len(CAPABILITIES))):
        if not keep & (1 << number):
            kernel.prctl(PR_CAPBSET_DROP, number)
    kernel.capset(now, now, 0)


DROP_ORDER = ("bounding", "user", "capset", "exec")
