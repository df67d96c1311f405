# right: mounted first, made read-only by a second call


def mask_paths(kernel, paths):
    for path in paths:
        if not os.path.exists(path):
            continue
        if os.path.isdir(path):
            kernel.mount("tmpfs", path, "tmpfs", MS_NOSUID)
            kernel.mount("", path, "", MS_NOSUID | MS_RDONLY | 32)
        else:
            kernel.mount("/dev/null", path, "", MS_BIND)
