# mistake: a second wall, which nobody asked for
# fails: drop_exec
# says: no_new_privs, too


def drop_capabilities(kernel, keep, now):
    kernel.prctl(PR_SET_NO_NEW_PRIVS, 1)
    for number in range(len(CAPABILITIES)):
        if not keep >> number & 1:
            kernel.prctl(PR_CAPBSET_DROP, number)
    kernel.capset(now, now, 0)
