# mistake: the ipc namespace holds no names
# fails: names_kept
# says: The names changed for everybody


def set_names(kernel, hostname, domainname):
    kernel.unshare(CLONE_NEWIPC)
    kernel.sethostname(hostname)
    if domainname:
        kernel.setdomainname(domainname)
