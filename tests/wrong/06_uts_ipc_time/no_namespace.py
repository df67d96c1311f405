# mistake: there is no new namespace at all
# fails: names_kept
# says: The names changed for everybody


def set_names(kernel, hostname, domainname):
    kernel.sethostname(hostname)
    if domainname:
        kernel.setdomainname(domainname)
