# mistake: it starts a shell, and not what was asked for
# fails: exec_place
# says: something else than argv

def exec_in(kernel, container, argv):
    kernel.write(f"{container.group}/cgroup.procs", "0")
    kernel.setns(os.pidfd_open(container.pid), others(container.pid))
    give_up(kernel, container)
    pid = kernel.fork()
    if pid == 0:
        kernel.execve("/bin/sh", ["sh", "-c", "true"], container.env)
    return pid
