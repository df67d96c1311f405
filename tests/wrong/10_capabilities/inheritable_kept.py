# mistake: the inheritable set is filled instead of emptied
# fails: drop_exec
# says: The inheritable set is not empty

def drop_capabilities(kernel, keep, now):
    for number in range(len(CAPABILITIES)):
        if not keep >> number & 1:
            kernel.prctl(PR_CAPBSET_DROP, number)
    kernel.capset(now, now, now)
