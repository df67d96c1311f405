# mistake: the old root is still mounted in a directory
# fails: pivot_host
# says: /old

def pivot(kernel, new_root):
    kernel.mount(new_root, new_root, "", MS_BIND | MS_REC)
    kernel.mkdir(f"{new_root}/old")
    kernel.pivot_root(new_root, f"{new_root}/old")
    kernel.chdir("/")
