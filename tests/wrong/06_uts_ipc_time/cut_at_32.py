# mistake: names are cut at 32 characters; the kernel takes 64 bytes
# fails: names_own
# says: and

def set_names(kernel, hostname, domainname):
    kernel.unshare(CLONE_NEWUTS)
    kernel.sethostname(hostname[:32])
    if domainname:
        kernel.setdomainname(domainname[:32])
