# right: mounted in another place first, then moved to where it belongs


def mount_proc(kernel, root):
    kernel.mkdir("/tmp/new-proc")
    kernel.mount("proc", "/tmp/new-proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    kernel.mount("/tmp/new-proc", f"{root}/proc", "", 8192)  # MS_MOVE
