# mistake: a refused unshare is passed over, and the host's own name is changed
# fails: hostname_kept
# says: goes on in silence


def set_hostname(kernel, name):
    try:
        kernel.unshare(CLONE_NEWUTS)
    except OSError:
        pass
    kernel.sethostname(name)
