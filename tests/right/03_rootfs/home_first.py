# right: the working directory is right before the old root goes; a chroot that changes nothing

PIVOT_ORDER = ("bind", "chdir", "pivot", "home", "detach")


def pivot(kernel, new_root):
    kernel.mount(new_root, new_root, "", MS_BIND | MS_REC)
    os.chdir(new_root)
    kernel.pivot_root(".", ".")
    os.chdir("/")
    os.chroot("/")
    kernel.umount2("/", MNT_DETACH)
