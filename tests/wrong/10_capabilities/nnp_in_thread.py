# mistake: the bit belongs to a thread, and this one ends
# fails: setuid
# says: effective uid 0


def no_new_privileges(kernel):
    import threading

    t = threading.Thread(target=kernel.prctl, args=(PR_SET_NO_NEW_PRIVS, 1))
    t.start()
    t.join()
