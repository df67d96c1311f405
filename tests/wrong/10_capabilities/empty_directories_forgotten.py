# mistake: a directory with nothing in it yet gets no mask: it can be filled
# fails: mask_holds
# says: hollow-a


def mask_paths(kernel, paths):
    for path in paths:
        if os.path.isdir(path) and os.listdir(path):
            kernel.mount("tmpfs", path, "tmpfs", MS_RDONLY)
        elif os.path.exists(path) and not os.path.isdir(path):
            kernel.mount("/dev/null", path, "", MS_BIND)
