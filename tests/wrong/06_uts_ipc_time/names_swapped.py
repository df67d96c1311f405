# mistake: the two names stand in each other's place
# fails: names_own
# says: has not the names


def set_names(kernel, hostname, domainname):
    kernel.unshare(CLONE_NEWUTS)
    kernel.sethostname(domainname or hostname)
    kernel.setdomainname(hostname)
