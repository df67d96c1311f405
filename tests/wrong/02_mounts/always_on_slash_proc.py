# mistake: the root is forgotten
# fails: proc_numbers
# says: has mounted nothing on /tmp/a root-

def mount_proc(kernel, root):
    kernel.mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
