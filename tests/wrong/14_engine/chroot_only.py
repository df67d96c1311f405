# mistake: it changes the root by chroot, and stays in the host's mount namespace
# fails: exec_place
# says: BAD       mnt:

def exec_in(kernel, container, argv):
    kernel.write(f"{container.group}/cgroup.procs", "0")
    root = os.open(f"/proc/{container.pid}/root", os.O_RDONLY)
    kernel.setns(os.pidfd_open(container.pid), others(container.pid) & ~NAMESPACES["mnt"])
    os.fchdir(root)
    kernel.chroot(".")
    give_up(kernel, container)
    pid = kernel.fork()
    if pid == 0:
        kernel.execve(argv[0], argv, container.env)
    return pid
