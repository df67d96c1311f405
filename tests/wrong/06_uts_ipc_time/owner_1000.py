# mistake: it belongs to somebody else than root
# fails: shm_options
# says: owner


def private_shm(kernel, root):
    flags = MS_NOSUID | MS_NODEV | MS_NOEXEC
    kernel.mount("shm", f"{root}/dev/shm", "tmpfs", flags, "mode=1777,size=64m,uid=1000")
