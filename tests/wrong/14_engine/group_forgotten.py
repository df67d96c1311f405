# mistake: the cgroup is forgotten: no limit holds for the command
# fails: exec_group
# says: another cgroup than the container

def exec_in(kernel, container, argv):
    kernel.setns(os.pidfd_open(container.pid), others(container.pid))
    give_up(kernel, container)
    pid = kernel.fork()
    if pid == 0:
        kernel.execve(argv[0], argv, container.env)
    return pid
