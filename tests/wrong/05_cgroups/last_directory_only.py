# mistake: only the last directory is made
# fails: make_path
# says: mkdir(2)

def make_cgroup(kernel, path):
    kernel.mkdir(path)
