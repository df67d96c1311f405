# mistake: a process that the kernel does not let in runs without its limits
# fails: place
# says: goes on in silence


def place(kernel, path, pid):
    try:
        kernel.write(f"{path}/cgroup.procs", str(pid))
    except OSError:
        pass
