# mistake: what stands after the first dot is left out
# fails: names_own
# says: has not the names


def set_names(kernel, hostname, domainname):
    kernel.unshare(CLONE_NEWUTS)
    kernel.sethostname(hostname.split(".")[0])
    if domainname:
        kernel.setdomainname(domainname)
