# right: first an empty tmpfs, then its options


def private_shm(kernel, root):
    flags = MS_NOSUID | MS_NODEV | MS_NOEXEC
    kernel.mount("none", f"{root}/dev/shm", "tmpfs", 0, "size=67108864")
    os.chmod(f"{root}/dev/shm", 0o1777)
    kernel.mount("", f"{root}/dev/shm", "", 32 | flags, "size=64m")
