# mistake: an empty domain name is set too
# fails: names_empty
# says: An empty domain name


def set_names(kernel, hostname, domainname):
    kernel.unshare(CLONE_NEWUTS)
    kernel.sethostname(hostname)
    kernel.setdomainname(domainname)
