# mistake: the old root is kept when the kernel refuses to detach it, and nobody is told
# fails: pivot_host
# says: goes on in silence


def pivot(kernel, new_root):
    kernel.mount(new_root, new_root, "", MS_BIND | MS_REC)
    kernel.chdir(new_root)
    kernel.pivot_root(".", ".")
    try:
        kernel.umount2(".", MNT_DETACH)
    except OSError:
        pass
    kernel.chdir("/")
