# right: the names are set in a namespace that a child made; the process joins it afterwards


def set_names(kernel, hostname, domainname):
    end, begin = os.pipe()
    ready, go = os.pipe()
    child = kernel.fork()
    if child == 0:
        kernel.unshare(CLONE_NEWUTS)
        kernel.sethostname(hostname)
        if domainname:
            kernel.setdomainname(domainname)
        os.write(begin, b"x")
        os.read(ready, 1)
        os._exit(0)
    os.read(end, 1)
    kernel.setns(kernel.open(f"/proc/{child}/ns/uts", os.O_RDONLY), CLONE_NEWUTS)
    os.write(go, b"x")
    kernel.waitpid(child)
