# right: mounted first; the options come by a remount


def mount_proc(kernel, root):
    kernel.mount("proc", root + "/proc", "proc")
    kernel.mount("", root + "/proc", "", MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | MS_NOEXEC)
