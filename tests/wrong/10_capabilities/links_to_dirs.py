# mistake: a link to a directory is left alone
# fails: mask_hides
# says: dir-c


def mask_paths(kernel, paths):
    for path in paths:
        if os.path.isdir(path) and not os.path.islink(path):
            kernel.mount("tmpfs", path, "tmpfs", MS_RDONLY)
        elif os.path.exists(path) and not os.path.isdir(path):
            kernel.mount("/dev/null", path, "", MS_BIND)
