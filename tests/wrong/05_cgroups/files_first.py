# mistake: the files of a cgroup cannot be deleted, and need not be
# fails: remove_all
# says: EPERM

def remove(kernel, path):
    if not os.path.exists(path):
        return
    kernel.write(f"{path}/cgroup.kill", "1")
    for directory, _, files in os.walk(path, topdown=False):
        for name in files:
            kernel.unlink(f"{directory}/{name}")
        kernel.rmdir(directory)
