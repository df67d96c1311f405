# mistake: the tmpfs over the directory is empty, and everybody can fill it
# fails: mask_holds
# says: can write into the masked directory

def mask_paths(kernel, paths):
    for path in paths:
        if os.path.isdir(path):
            kernel.mount("tmpfs", path, "tmpfs", 0)
        elif os.path.exists(path):
            kernel.mount("/dev/null", path, "", MS_BIND)
