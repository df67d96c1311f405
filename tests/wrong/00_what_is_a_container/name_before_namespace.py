# mistake: the name is set before the process has left
# fails: hostname_kept
# says: changed for everybody

def set_hostname(kernel, name):
    kernel.sethostname(name)
    kernel.unshare(CLONE_NEWUTS)
