# mistake: what is below the mask is emptied, too
# fails: mask_hides
# says: was changed


def mask_paths(kernel, paths):

    for path in paths:
        if os.path.isdir(path):
            kernel.mount("tmpfs", path, "tmpfs", MS_RDONLY)
        elif os.path.exists(path):
            if os.path.isfile(path):
                open(path, "w").close()
            kernel.mount("/dev/null", path, "", MS_BIND)
