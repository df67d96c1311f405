# mistake: chroot instead of pivot_root: the root mount is still the host's
# fails: pivot_climb
# says: climbed out of it

def pivot(kernel, new_root):
    kernel.chroot(new_root)
    kernel.chdir("/")
