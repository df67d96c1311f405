# mistake: two file systems, one on the other
# fails: shm_private
# says: one file system at one place


def private_shm(kernel, root):
    flags = MS_NOSUID | MS_NODEV | MS_NOEXEC
    kernel.mount("shm", f"{root}/dev/shm", "tmpfs", flags, "mode=1777,size=64m")
    kernel.mount("shm", f"{root}/dev/shm", "tmpfs", flags, "mode=1777,size=64m")
