# mistake: the host's own /dev/pts is bound: its terminals are in reach
# fails: dev_nodes
# says: pts: it is the host's


def make_dev(kernel, root):
    dev = f"{root}/dev"
    kernel.mount("tmpfs", dev, "tmpfs", MS_NOSUID, "mode=755,size=64k")
    old = kernel.umask(0)
    for name, number in DEVICES.items():
        kernel.mknod(f"{dev}/{name}", S_IFCHR | 0o666, number)
    kernel.umask(old)
    for name, target in LINKS.items():
        kernel.symlink(target, f"{dev}/{name}")
    for name in ("pts", "shm"):
        kernel.mkdir(f"{dev}/{name}")
    kernel.mount("/dev/pts", f"{dev}/pts", "", MS_BIND)
    kernel.mount("shm", f"{dev}/shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777")
