# right: the last capability is read from the kernel


def drop_capabilities(kernel, keep, now):
    with open("/proc/sys/kernel/cap_last_cap") as f:
        last = int(f.read())
    for number in range(last + 1):
        if not keep >> number & 1:
            kernel.prctl(PR_CAPBSET_DROP, number)
    kernel.capset(now, now, 0)
