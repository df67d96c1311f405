# mistake: a new namespace, but not the one that holds the name
# fails: hostname_kept
# says: changed for everybody

def set_hostname(kernel, name):
    kernel.unshare(CLONE_NEWIPC)
    kernel.sethostname(name)
