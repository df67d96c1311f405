# mistake: a path that leads nowhere ends the whole, instead of being left out
# fails: mask_hides
# says: file a

def mask_paths(kernel, paths):
    for path in paths:
        if not os.path.exists(path):
            return
        if os.path.isdir(path):
            flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC
            kernel.mount("tmpfs", path, "tmpfs", flags)
        else:
            kernel.mount("/dev/null", path, "", MS_BIND)
