# mistake: the host name is set in time, the domain name too early
# fails: names_kept
# says: The names changed for everybody


def set_names(kernel, hostname, domainname):
    if domainname:
        kernel.setdomainname(domainname)
    kernel.unshare(CLONE_NEWUTS)
    kernel.sethostname(hostname)
