# mistake: the caller is moved, not the process that was asked for
# fails: place
# says: The process is not in the cgroup /box

def place(kernel, path, pid):
    kernel.write(f"{path}/cgroup.procs", "0")
