# right: a context manager holds the umask; os.mknod and os.symlink, in another order


from contextlib import contextmanager


@contextmanager
def no_umask():
    old = os.umask(0)
    try:
        yield
    finally:
        os.umask(old)


def make_dev(kernel, root: str) -> None:
    dev = os.path.join(root, "dev")
    kernel.mount("dev", dev, "tmpfs", MS_NOSUID, "mode=0755")
    with no_umask():
        for name in sorted(DEVICES, reverse=True):
            os.mknod(f"{dev}/{name}", 0o666 | S_IFCHR, os.makedev(*DEVICES[name]))
        os.mkdir(f"{dev}/shm", 0o755)
        os.mkdir(f"{dev}/pts", 0o755)
    kernel.mount("tmpfs", f"{dev}/shm", "tmpfs", MS_NOSUID | MS_NODEV, "size=64m,mode=01777")
    kernel.mount("devpts", f"{dev}/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,mode=0620,ptmxmode=0666")
    for name, target in LINKS.items():
        os.symlink(target, os.path.join(dev, name))
