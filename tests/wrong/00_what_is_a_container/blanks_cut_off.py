# mistake: a name without its blanks is another name
# fails: hostname_set
# says: has not the name


def set_hostname(kernel, name):
    kernel.unshare(CLONE_NEWUTS)
    kernel.sethostname(name.strip())
