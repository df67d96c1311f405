# mistake: the caller's list is emptied on the way
# fails: mask_hides
# says: its caller still needs it


def mask_paths(kernel, paths):
    while paths:
        path = paths.pop()
        if os.path.isdir(path):
            kernel.mount("tmpfs", path, "tmpfs", MS_RDONLY)
        elif os.path.exists(path):
            kernel.mount("/dev/null", path, "", MS_BIND)
