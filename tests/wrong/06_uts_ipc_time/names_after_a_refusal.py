# mistake: a refused unshare is passed over, and everybody's name is changed
# fails: names_kept
# says: goes on in silence


def set_names(kernel, hostname, domainname):
    try:
        kernel.unshare(CLONE_NEWUTS)
    except OSError:
        pass
    kernel.sethostname(hostname)
    if domainname:
        kernel.setdomainname(domainname)
