# mistake: the old root stays on top of the new one
# fails: pivot_host
# says: Mounts of the old root are still

def pivot(kernel, new_root):
    kernel.mount(new_root, new_root, "", MS_BIND | MS_REC)
    kernel.chdir(new_root)
    kernel.pivot_root(".", ".")
    kernel.chdir("/")
