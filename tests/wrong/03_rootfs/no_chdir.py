# mistake: the working directory stays on the detached old root
# fails: pivot_climb
# says: leads to files of the host

def pivot(kernel, new_root):
    kernel.mount(new_root, new_root, "", MS_BIND | MS_REC)
    kernel.mkdir(f"{new_root}/old")
    kernel.pivot_root(new_root, f"{new_root}/old")
    kernel.umount2("/old", MNT_DETACH)
    os.rmdir("/old")
