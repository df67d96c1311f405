# mistake: names are cut at 63 characters, as DNS does; the kernel takes 64 bytes
# fails: hostname_set
# says: has not the name


def set_hostname(kernel, name):
    kernel.unshare(CLONE_NEWUTS)
    kernel.sethostname(name[:63])
