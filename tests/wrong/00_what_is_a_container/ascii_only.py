# mistake: letters of two bytes become question marks
# fails: hostname_set
# says: has not the name


def set_hostname(kernel, name):
    kernel.unshare(CLONE_NEWUTS)
    kernel.sethostname(name.encode("ascii", "replace").decode())
