# mistake: a namespace that nobody asked for: its messages are cut off, too
# fails: hostname_kept
# says: changed more than the host name

def set_hostname(kernel, name):
    kernel.unshare(CLONE_NEWUTS | CLONE_NEWIPC)
    kernel.sethostname(name)
