# mistake: what stands after the first dot is left out
# fails: hostname_set
# says: has not the name


def set_hostname(kernel, name):
    kernel.unshare(CLONE_NEWUTS)
    kernel.sethostname(name.split(".")[0])
