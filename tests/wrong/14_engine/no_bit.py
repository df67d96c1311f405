# mistake: no_new_privs is left out
# fails: exec_power
# says: BAD       NoNewPrivs:

def exec_in(kernel, container, argv):
    kernel.write(f"{container.group}/cgroup.procs", "0")
    kernel.setns(os.pidfd_open(container.pid), others(container.pid))
    for number in range(len(CAPABILITIES)):
        if not container.keep >> number & 1:
            kernel.prctl(PR_CAPBSET_DROP, number)
    kernel.seccomp(container.filter)
    kernel.capset(container.keep, container.keep, 0)
    pid = kernel.fork()
    if pid == 0:
        kernel.execve(argv[0], argv, container.env)
    return pid
