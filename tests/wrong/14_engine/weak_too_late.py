# mistake: the child gives up its rights inside: for a moment it has all
# fails: exec_power
# says: For a moment a process inside had more power

def exec_in(kernel, container, argv):
    kernel.write(f"{container.group}/cgroup.procs", "0")
    kernel.setns(os.pidfd_open(container.pid), others(container.pid))
    pid = kernel.fork()
    if pid == 0:
        give_up(kernel, container)
        kernel.execve(argv[0], argv, container.env)
    return pid
