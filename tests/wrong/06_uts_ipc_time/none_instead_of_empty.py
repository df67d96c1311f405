# mistake: an empty domain name is set to the kernel's word for none, whatever was set before
# fails: names_empty
# says: (none)

def set_names(kernel, hostname, domainname):
    kernel.unshare(CLONE_NEWUTS)
    kernel.sethostname(hostname)
    kernel.setdomainname(domainname or "(none)")
