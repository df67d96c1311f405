# mistake: the filter is left out
# fails: exec_power
# says: BAD       Seccomp_filters:

def exec_in(kernel, container, argv):
    kernel.write(f"{container.group}/cgroup.procs", "0")
    kernel.setns(os.pidfd_open(container.pid), others(container.pid))
    for number in range(len(CAPABILITIES)):
        if not container.keep >> number & 1:
            kernel.prctl(PR_CAPBSET_DROP, number)
    kernel.prctl(PR_SET_NO_NEW_PRIVS, 1)
    kernel.capset(container.keep, container.keep, 0)
    pid = kernel.fork()
    if pid == 0:
        kernel.execve(argv[0], argv, container.env)
    return pid
