# mistake: one more namespace than was asked for
# fails: names_kept
# says: the ipc namespace


def set_names(kernel, hostname, domainname):
    kernel.unshare(CLONE_NEWUTS | CLONE_NEWIPC)
    kernel.sethostname(hostname)
    if domainname:
        kernel.setdomainname(domainname)
