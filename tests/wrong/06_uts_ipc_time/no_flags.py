# mistake: programs may be run from it, and devices opened
# fails: shm_options
# says: noexec


def private_shm(kernel, root):
    kernel.mount("shm", f"{root}/dev/shm", "tmpfs", 0, "mode=1777,size=64m")
