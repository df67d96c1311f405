# mistake: a name is cut at its first blank
# fails: mask_hides
# says: dir a


def mask_paths(kernel, paths):

    for path in paths:
        path = path.split()[0]
        if os.path.isdir(path):
            kernel.mount("tmpfs", path, "tmpfs", MS_RDONLY)
        elif os.path.exists(path):
            kernel.mount("/dev/null", path, "", MS_BIND)
