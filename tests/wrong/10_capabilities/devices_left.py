# mistake: a socket is no file
# fails: mask_hides
# says: socket-a


def mask_paths(kernel, paths):
    import stat

    for path in paths:
        if os.path.isdir(path):
            kernel.mount("tmpfs", path, "tmpfs", MS_RDONLY)
        elif os.path.exists(path):
            m = os.stat(path).st_mode
            if stat.S_ISREG(m) or stat.S_ISFIFO(m):
                kernel.mount("/dev/null", path, "", MS_BIND)
