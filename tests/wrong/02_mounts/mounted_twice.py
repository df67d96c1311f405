# mistake: two file systems, one on the other
# fails: proc_place
# says: one file system at one place


def mount_proc(kernel, root):
    for _ in range(2):
        kernel.mount("proc", f"{root}/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
