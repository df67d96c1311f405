# mistake: a mount namespace of its own: the others in the old one see everything
# fails: mask_hides
# says: hidden from itself alone


def mask_paths(kernel, paths):
    kernel.unshare(0x20000)
    for path in paths:
        if os.path.isdir(path):
            kernel.mount("tmpfs", path, "tmpfs", MS_RDONLY)
        elif os.path.exists(path):
            kernel.mount("/dev/null", path, "", MS_BIND)
