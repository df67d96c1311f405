# mistake: rmdir is tried once, and a killed process needs a moment to leave
# fails: remove_all
# says: EBUSY


def remove(kernel, path):
    if not os.path.exists(path):
        return
    kernel.write(f"{path}/cgroup.kill", "1")
    for directory, _, _ in os.walk(path, topdown=False):
        kernel.rmdir(directory)
