# right: clone3 with CLONE_INTO_CGROUP: the process is born inside

def start_inside(kernel, path, command):
    fd = os.open(path, os.O_RDONLY)
    pid = kernel.clone(0, fd)
    if pid == 0:
        command()
    os.close(fd)
    return pid


def place(kernel, path, pid):
    with open(f"{path}/cgroup.procs", "w") as file:
        print(pid, file=file)
