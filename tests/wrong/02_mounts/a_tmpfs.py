# mistake: the source's name is not the type
# fails: proc_place
# says: of type tmpfs is mounted

def mount_proc(kernel, root):
    kernel.mount("proc", f"{root}/proc", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC)
