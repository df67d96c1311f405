# mistake: a child gets the name, the process itself does not
# fails: hostname_set
# says: has not the name

def set_hostname(kernel, name):
    pid = kernel.fork()
    if pid == 0:
        kernel.unshare(CLONE_NEWUTS)
        kernel.sethostname(name)
        kernel.exit(0)
    kernel.waitpid(pid)
