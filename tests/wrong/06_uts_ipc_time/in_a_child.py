# mistake: the child gets the names, and its parent returns without them
# fails: names_own
# says: has not the names


def set_names(kernel, hostname, domainname):
    kernel.waitpid(kernel.fork() or _child(kernel, hostname, domainname))


def _child(kernel, hostname, domainname):
    kernel.unshare(CLONE_NEWUTS)
    kernel.sethostname(hostname)
    kernel.setdomainname(domainname)
    os._exit(0)
