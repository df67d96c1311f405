# mistake: the first of three options is enough
# fails: proc_place
# says: MISSING   noexec

def mount_proc(kernel, root):
    kernel.mount("proc", f"{root}/proc", "proc", MS_NOSUID | MS_NODEV)
