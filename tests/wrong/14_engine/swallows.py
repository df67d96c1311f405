# mistake: an error of the kernel is passed over
# fails: exec_power
# says: goes on in silence

def exec_in(kernel, container, argv):
    kernel.write(f"{container.group}/cgroup.procs", "0")
    kernel.setns(os.pidfd_open(container.pid), others(container.pid))
    try:
        give_up(kernel, container)
    except OSError:
        pass
    pid = kernel.fork()
    if pid == 0:
        kernel.execve(argv[0], argv, container.env)
    return pid
