# mistake: the host's root stays open in the command: fchdir(2) leads out
# fails: exec_place
# says: descriptors of the helper's open

def exec_in(kernel, container, argv):
    os.set_inheritable(os.open("/", os.O_RDONLY), True)  # to come back
    kernel.write(f"{container.group}/cgroup.procs", "0")
    process = os.pidfd_open(container.pid)
    kernel.setns(process, others(container.pid))
    os.close(process)
    give_up(kernel, container)
    pid = kernel.fork()
    if pid == 0:
        kernel.execve(argv[0], argv, container.env)
    return pid
