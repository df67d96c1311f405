# mistake: the domain name is set too, and nobody asked for that
# fails: hostname_kept
# says: the domain name


def set_hostname(kernel, name):
    kernel.unshare(CLONE_NEWUTS)
    kernel.sethostname(name)
    kernel.setdomainname(name)
