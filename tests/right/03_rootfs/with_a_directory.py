# right: the old root gets a directory of its own, as in the manual's example

def pivot(kernel, new_root):
    old = os.path.join(new_root, "old-root")
    kernel.mount(new_root, new_root, "", MS_BIND | MS_REC)
    kernel.mkdir(old)
    kernel.pivot_root(new_root, old)
    kernel.chdir("/")
    kernel.umount2("/old-root", MNT_DETACH)
    kernel.rmdir("/old-root")
