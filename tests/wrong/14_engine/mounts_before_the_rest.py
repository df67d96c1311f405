# mistake: the mount namespace is entered first, and the other files are out of reach
# fails: exec_place
# says: FileNotFoundError

def exec_in(kernel, container, argv):
    kernel.write(f"{container.group}/cgroup.procs", "0")
    for kind in ("mnt", "cgroup", "ipc", "net", "pid", "uts"):
        fd = os.open(f"/proc/{container.pid}/ns/{kind}", os.O_RDONLY)
        kernel.setns(fd, NAMESPACES[kind])
    give_up(kernel, container)
    pid = kernel.fork()
    if pid == 0:
        kernel.execve(argv[0], argv, container.env)
    return pid
