# mistake: a mount, and then only chroot: the old root is still there
# fails: pivot_climb
# says: climbed out of it

def pivot(kernel, new_root):
    kernel.mount(new_root, new_root, "", MS_BIND | MS_REC)
    kernel.chroot(new_root)
    kernel.chdir("/")
