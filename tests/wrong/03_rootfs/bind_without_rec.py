# mistake: MS_REC is missing: what is mounted below stays behind
# fails: pivot_root
# says: did not come along

def pivot(kernel, new_root):
    kernel.mount(new_root, new_root, "", MS_BIND)
    kernel.chdir(new_root)
    kernel.pivot_root(".", ".")
    kernel.umount2(".", MNT_DETACH)
    kernel.chdir("/")
