# right: the procfs that stands there is unmounted first

def mount_proc(kernel, root):
    place = f"{root}/proc"
    while os.path.ismount(place):
        kernel.umount2(place, 0)
    kernel.mount("proc", place, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
