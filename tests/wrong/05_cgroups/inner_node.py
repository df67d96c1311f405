# mistake: the process is put into the cgroup above
# fails: place
# says: seen      0::/

def place(kernel, path, pid):
    kernel.write(f"{os.path.dirname(path)}/cgroup.procs", str(pid))
