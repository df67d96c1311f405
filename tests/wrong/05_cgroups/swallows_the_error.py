# mistake: what the kernel refuses is passed over in silence
# fails: place
# says: The process is not in the cgroup

def place(kernel, path, pid):
    try:
        kernel.write(f"{path}/tasks", str(pid))
    except OSError:
        pass
