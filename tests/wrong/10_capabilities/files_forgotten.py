# mistake: only directories are hidden
# fails: mask_hides
# says: still shows what was there

def mask_paths(kernel, paths):
    for path in paths:
        if os.path.isdir(path):
            kernel.mount("tmpfs", path, "tmpfs", MS_RDONLY)
