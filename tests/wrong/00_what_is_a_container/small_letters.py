# mistake: capitals are thought to mean nothing
# fails: hostname_set
# says: has not the name


def set_hostname(kernel, name):
    kernel.unshare(CLONE_NEWUTS)
    kernel.sethostname(name.lower())
