# mistake: message queues are another file system
# fails: shm_private
# says: of another type


def private_shm(kernel, root):
    flags = MS_NOSUID | MS_NODEV | MS_NOEXEC
    kernel.mount("mqueue", f"{root}/dev/shm", "mqueue", flags)
