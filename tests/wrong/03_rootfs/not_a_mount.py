# mistake: the new root is a plain directory
# fails: pivot_root
# says: bind it onto itself first

def pivot(kernel, new_root):
    kernel.chdir(new_root)
    kernel.pivot_root(".", ".")
    kernel.umount2(".", MNT_DETACH)
    kernel.chdir("/")
