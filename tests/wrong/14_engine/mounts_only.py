# mistake: it enters the mount and pid namespaces, and no other
# fails: exec_place
# says: BAD       net:

def exec_in(kernel, container, argv):
    kernel.write(f"{container.group}/cgroup.procs", "0")
    kernel.setns(os.pidfd_open(container.pid), NAMESPACES["mnt"] | NAMESPACES["pid"])
    give_up(kernel, container)
    pid = kernel.fork()
    if pid == 0:
        kernel.execve(argv[0], argv, container.env)
    return pid
