# mistake: the mount is on the /dev/shm of the host
# fails: shm_private
# says: on the /dev/shm of the host


def private_shm(kernel, root):
    flags = MS_NOSUID | MS_NODEV | MS_NOEXEC
    kernel.mount("shm", "/dev/shm", "tmpfs", flags, "mode=1777,size=64m")
