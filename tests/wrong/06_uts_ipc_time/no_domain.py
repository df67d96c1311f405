# mistake: the domain name is forgotten
# fails: names_own
# says: has not the names


def set_names(kernel, hostname, domainname):
    kernel.unshare(CLONE_NEWUTS)
    kernel.sethostname(hostname)
