# right: by what the kernel answers, not by a look before


def mask_paths(kernel, paths):
    for path in paths:
        try:
            kernel.mount("tmpfs", path, "tmpfs", MS_RDONLY)
        except NotADirectoryError:
            kernel.mount("/dev/null", path, "", MS_BIND)
        except FileNotFoundError:
            pass
