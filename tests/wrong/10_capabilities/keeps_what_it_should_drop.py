# mistake: the test is the wrong way round
# fails: drop_exec
# says: to be dropped are still in reach

def drop_capabilities(kernel, keep, now):
    for number in range(len(CAPABILITIES)):
        if keep >> number & 1:
            kernel.prctl(PR_CAPBSET_DROP, number)
    kernel.capset(now, now, 0)
