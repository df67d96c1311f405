# mistake: what leads nowhere gets a directory above it
# fails: mask_hides
# says: made a path


def mask_paths(kernel, paths):
    for path in paths:
        if os.path.isdir(path):
            kernel.mount("tmpfs", path, "tmpfs", MS_RDONLY)
        elif os.path.exists(path):
            kernel.mount("/dev/null", path, "", MS_BIND)
        else:
            os.makedirs(os.path.dirname(path), exist_ok=True)
