# mistake: a cgroup with processes in it cannot be removed
# fails: remove_all
# says: rmdir(2)

def remove(kernel, path):
    if os.path.exists(path):
        kernel.rmdir(path)
