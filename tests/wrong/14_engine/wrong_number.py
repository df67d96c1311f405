# mistake: it returns the helper's own number
# fails: exec_place
# says: no child of its caller

def exec_in(kernel, container, argv):
    kernel.write(f"{container.group}/cgroup.procs", "0")
    kernel.setns(os.pidfd_open(container.pid), others(container.pid))
    give_up(kernel, container)
    if kernel.fork() == 0:
        kernel.execve(argv[0], argv, container.env)
    return os.getpid()
