# mistake: root's files are to give nothing any more (SECBIT_NOROOT)
# fails: drop_exec
# says: lacks capabilities


def drop_capabilities(kernel, keep, now):
    for number in range(len(CAPABILITIES)):
        if not keep >> number & 1:
            kernel.prctl(PR_CAPBSET_DROP, number)
    kernel.prctl(28, 0x1)
    kernel.capset(now, now, 0)
