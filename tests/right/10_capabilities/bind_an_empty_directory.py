# right: one empty read-only directory, bound over every directory
def mask_paths(kernel, paths):
    os.makedirs("/run/empty", exist_ok=True)
    kernel.mount("tmpfs", "/run/empty", "tmpfs", MS_RDONLY)
    for path in paths:
        if os.path.exists(path):
            kernel.mount("/run/empty" if os.path.isdir(path) else "/dev/null", path, "", MS_BIND)
