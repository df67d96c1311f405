# mistake: the directory above is covered too, and with it all devices
# fails: shm_private
# says: one file system at one place


def private_shm(kernel, root):
    flags = MS_NOSUID | MS_NODEV | MS_NOEXEC
    kernel.mount("shm", f"{root}/dev", "tmpfs", flags, "mode=1777,size=64m")
    os.mkdir(f"{root}/dev/shm")
    kernel.mount("shm", f"{root}/dev/shm", "tmpfs", flags, "mode=1777,size=64m")
