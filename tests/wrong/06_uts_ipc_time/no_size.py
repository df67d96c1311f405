# mistake: without a size, it may take half of the memory
# fails: shm_options
# says: size=64m


def private_shm(kernel, root):
    flags = MS_NOSUID | MS_NODEV | MS_NOEXEC
    kernel.mount("shm", f"{root}/dev/shm", "tmpfs", flags, "mode=1777")
