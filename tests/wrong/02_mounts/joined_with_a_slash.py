# mistake: os.path.join forgets everything before "/proc"
# fails: proc_place
# says: has mounted nothing on /tmp/a root-

def mount_proc(kernel, root):
    kernel.mount("proc", os.path.join(root, "/proc"), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
