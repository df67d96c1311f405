# right: freeze, kill one by one, thaw: as before Linux 5.14 brought cgroup.kill

def remove(kernel, path):
    if not os.path.isdir(path):
        return
    directories = [directory for directory, _, _ in os.walk(path)]
    kernel.write(f"{path}/cgroup.freeze", "1")
    while "frozen 1" not in kernel.read(f"{path}/cgroup.events"):
        time.sleep(0.005)
    for directory in directories:
        for pid in kernel.read(f"{directory}/cgroup.procs").split():
            kernel.kill(int(pid), SIGKILL)
    kernel.write(f"{path}/cgroup.freeze", "0")
    while "populated 1" in kernel.read(f"{path}/cgroup.events"):
        time.sleep(0.005)
    for directory in sorted(directories, reverse=True):
        os.rmdir(directory)
