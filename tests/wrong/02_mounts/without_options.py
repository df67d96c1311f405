# mistake: no flags: programs in it may run, with their owner's rights
# fails: proc_place
# says: MISSING   nosuid

def mount_proc(kernel, root):
    kernel.mount("proc", f"{root}/proc", "proc", 0)
