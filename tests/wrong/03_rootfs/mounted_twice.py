# mistake: two file systems, one on the other
# fails: dev_nodes
# says: one on another


def make_dev(kernel, root):
    dev = f"{root}/dev"
    kernel.mount("tmpfs", dev, "tmpfs", MS_NOSUID, "mode=755,size=64k")
    kernel.mount("tmpfs", dev, "tmpfs", MS_NOSUID, "mode=755,size=64k")
    old = kernel.umask(0)
    for name, number in DEVICES.items():
        kernel.mknod(f"{dev}/{name}", S_IFCHR | 0o666, number)
    kernel.umask(old)
    for name, target in LINKS.items():
        kernel.symlink(target, f"{dev}/{name}")
    for name in ("pts", "shm"):
        kernel.mkdir(f"{dev}/{name}")
    kernel.mount("devpts", f"{dev}/pts", "devpts", MS_NOSUID | MS_NOEXEC, "ptmxmode=0666")
    kernel.mount("shm", f"{dev}/shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777")
