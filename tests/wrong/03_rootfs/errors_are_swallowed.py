# mistake: a refused call is passed over in silence
# fails: pivot_host
# says: as with chroot

def pivot(kernel, new_root):
    try:
        kernel.chdir(new_root)
        kernel.pivot_root(".", ".")
        kernel.umount2(".", MNT_DETACH)
    except OSError:
        pass
    kernel.chroot(new_root)
    kernel.chdir("/")
