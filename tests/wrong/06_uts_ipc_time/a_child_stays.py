# mistake: a process is left behind that nobody asked for
# fails: names_kept
# says: one more process


def set_names(kernel, hostname, domainname):
    kernel.unshare(CLONE_NEWUTS)
    kernel.sethostname(hostname)
    if domainname:
        kernel.setdomainname(domainname)
    if os.fork() == 0:
        import time

        time.sleep(999)
