# mistake: subset=pid leaves /proc/sys and the rest out
# fails: proc_place
# says: subset=pid


def mount_proc(kernel, root):
    kernel.mount("proc", f"{root}/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "subset=pid")
