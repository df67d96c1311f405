# mistake: the names are set before the namespace is there, so everybody gets them
# fails: names_kept
# says: The names changed for everybody


def set_names(kernel, hostname, domainname):
    kernel.sethostname(hostname)
    if domainname:
        kernel.setdomainname(domainname)
    kernel.unshare(CLONE_NEWUTS)
