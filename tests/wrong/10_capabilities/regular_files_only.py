# mistake: a file of another kind than a regular one is left as it is
# fails: mask_hides
# says: pipe

def mask_paths(kernel, paths):
    for path in paths:
        if os.path.isdir(path):
            flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC
            kernel.mount("tmpfs", path, "tmpfs", flags)
        elif os.path.isfile(path):
            kernel.mount("/dev/null", path, "", MS_BIND)
