# mistake: the process goes back to where it worked
# fails: pivot_climb
# says: another directory of the new root


def pivot(kernel, new_root):
    here = os.getcwd()
    kernel.mount(new_root, new_root, "", MS_BIND | MS_REC)
    kernel.chdir(new_root)
    kernel.pivot_root(".", ".")
    kernel.umount2(".", MNT_DETACH)
    kernel.chdir(here if os.path.isdir(here) else "/")
