# mistake: the directory above is bound and entered
# fails: pivot_root
# says: not the directory that it was given

def pivot(kernel, new_root):
    above = os.path.dirname(new_root)
    kernel.mount(above, above, "", MS_BIND | MS_REC)
    kernel.chdir(above)
    kernel.pivot_root(".", ".")
    kernel.umount2(".", MNT_DETACH)
    kernel.chdir("/")
