# mistake: without 1777, anybody may remove the files of others, or nobody may make one
# fails: shm_options
# says: mode=1777


def private_shm(kernel, root):
    flags = MS_NOSUID | MS_NODEV | MS_NOEXEC
    kernel.mount("shm", f"{root}/dev/shm", "tmpfs", flags, "mode=755,size=64m")
