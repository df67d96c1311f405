# mistake: the other option
# fails: setuid
# says: still gives root's rights

def no_new_privileges(kernel):
    kernel.prctl(PR_SET_KEEPCAPS, 1)
