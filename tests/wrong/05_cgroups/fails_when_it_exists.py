# mistake: a directory that exists already is an error
# fails: make_path
# says: EEXIST

def make_cgroup(kernel, path):
    above = ROOT
    for part in path.removeprefix(ROOT).strip("/").split("/"):
        above = f"{above}/{part}"
        kernel.mkdir(above)
