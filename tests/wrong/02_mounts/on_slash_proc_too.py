# mistake: the /proc of whoever calls is covered too
# fails: proc_place
# says: one file system at one place


def mount_proc(kernel, root):
    kernel.mount("proc", f"{root}/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    if root:
        kernel.mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
