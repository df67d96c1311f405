# mistake: a descriptor of the old root stays open: fchdir(2) leads out again
# fails: pivot_host
# says: still leads to the old root

def pivot(kernel, new_root):
    old = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    kernel.mount(new_root, new_root, "", MS_BIND | MS_REC)
    kernel.chdir(new_root)
    kernel.pivot_root(".", ".")
    os.fchdir(old)
    kernel.umount2(".", MNT_DETACH)
    kernel.chdir("/")
