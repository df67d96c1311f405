# mistake: a bind that is refused is passed over: the file stays in view
# fails: mask_holds
# says: goes on in silence


def mask_paths(kernel, paths):
    for path in paths:
        if os.path.isdir(path):
            kernel.mount("tmpfs", path, "tmpfs", MS_RDONLY)
        elif os.path.exists(path):
            try:
                kernel.mount("/dev/null", path, "", MS_BIND)
            except OSError:
                pass
