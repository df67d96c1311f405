# mistake: chroot hides the mounts and takes none away
# fails: pivot_host
# says: as with chroot

def pivot(kernel, new_root):
    kernel.chdir(new_root)
    kernel.chroot(".")
