# right: as runc does it: descriptors of both roots, and the old one is entered and detached

def pivot(kernel, new_root):
    kernel.mount(new_root, new_root, "", MS_BIND | MS_REC)
    old, new = (os.open(path, os.O_RDONLY | os.O_DIRECTORY) for path in ("/", new_root))
    os.fchdir(new)
    kernel.pivot_root(".", ".")
    os.fchdir(old)
    kernel.umount2(".", MNT_DETACH)
    kernel.chdir("/")
    os.close(old)
    os.close(new)
