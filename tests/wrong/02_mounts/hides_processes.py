# mistake: hidepid was not asked for: others' processes are hidden
# fails: proc_place
# says: hidepid


def mount_proc(kernel, root):
    kernel.mount("proc", f"{root}/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "hidepid=2")
