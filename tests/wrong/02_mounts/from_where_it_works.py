# mistake: the first slash is cut off: the path leads from the working directory
# fails: proc_place
# says: ENOENT

def mount_proc(kernel, root):
    place = root.strip("/") + "/proc"
    kernel.mount("proc", place, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
