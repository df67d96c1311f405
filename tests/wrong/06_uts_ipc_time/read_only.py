# mistake: nobody can write to it
# fails: shm_options
# says: ro


def private_shm(kernel, root):
    flags = MS_NOSUID | MS_NODEV | MS_NOEXEC | 1
    kernel.mount("shm", f"{root}/dev/shm", "tmpfs", flags, "mode=1777,size=64m")
