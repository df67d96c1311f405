# mistake: the child calls setns: only its own children would be inside
# fails: exec_place
# says: levels: 1, and PID 1's is 2

def exec_in(kernel, container, argv):
    kernel.write(f"{container.group}/cgroup.procs", "0")
    process = os.pidfd_open(container.pid)
    pid = kernel.fork()
    if pid == 0:
        kernel.setns(process, others(container.pid))
        give_up(kernel, container)
        kernel.execve(argv[0], argv, container.env)
    return pid
