# mistake: what is empty is thought to need no mask
# fails: mask_hides
# says: empty-a


def mask_paths(kernel, paths):
    for path in paths:
        if os.path.isdir(path):
            if os.listdir(path):
                kernel.mount("tmpfs", path, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)
        elif os.path.exists(path) and (os.path.getsize(path) or not os.path.isfile(path)):
            kernel.mount("/dev/null", path, "", MS_BIND)
