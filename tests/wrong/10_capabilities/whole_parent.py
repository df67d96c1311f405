# mistake: the directory above is hidden, and with it the neighbours
# fails: mask_hides
# says: not given is hidden too

def mask_paths(kernel, paths):
    for path in filter(os.path.isdir, {os.path.dirname(path) for path in paths}):
        kernel.mount("tmpfs", path, "tmpfs", MS_RDONLY)
