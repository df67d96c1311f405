# mistake: the directory for the old root is never made
# fails: pivot_root
# says: (the old root to


def pivot(kernel, new_root):
    kernel.mount(new_root, new_root, "", MS_BIND | MS_REC)
    kernel.pivot_root(new_root, f"{new_root}/.old")
    kernel.chdir("/")
    kernel.umount2("/.old", MNT_DETACH)
