# mistake: capset is called, and exec gives all back from the bounding set
# fails: exec_power
# says: BAD       CapBnd:

def exec_in(kernel, container, argv):
    kernel.write(f"{container.group}/cgroup.procs", "0")
    kernel.setns(os.pidfd_open(container.pid), others(container.pid))
    kernel.prctl(PR_SET_NO_NEW_PRIVS, 1)
    kernel.capset(container.keep, container.keep, 0)
    kernel.seccomp(container.filter)
    pid = kernel.fork()
    if pid == 0:
        kernel.execve(argv[0], argv, container.env)
    return pid
