# mistake: blanks at the ends of a name are cut
# fails: names_own
# says: BOX


def set_names(kernel, hostname, domainname):
    kernel.unshare(CLONE_NEWUTS)
    kernel.sethostname(hostname.strip())
    if domainname.strip():
        kernel.setdomainname(domainname.strip())
