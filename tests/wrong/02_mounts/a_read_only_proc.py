# mistake: nobody can set anything in it
# fails: proc_place
# says: ro: not expected


def mount_proc(kernel, root):
    kernel.mount("proc", f"{root}/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC | 1)
