# right: os.mknod and chmod; ptmx is a device file; one directory more

import stat


def make_dev(kernel, root):
    dev = root + "/dev"
    kernel.mount("", dev, "tmpfs", 0, "mode=755")
    kernel.mkdir(dev + "/pts")
    kernel.mount("", dev + "/pts", "devpts", MS_NOEXEC, "ptmxmode=666")
    for name, (major, minor) in {**DEVICES, "ptmx": (5, 2)}.items():
        os.mknod(f"{dev}/{name}", stat.S_IFCHR, os.makedev(major, minor))
        os.chmod(f"{dev}/{name}", 0o666)
    for name in LINKS.keys() - {"ptmx"}:
        kernel.symlink(LINKS[name], f"{dev}/{name}")
    os.mkdir(dev + "/shm")
    kernel.mount("", dev + "/shm", "tmpfs", MS_NODEV)


def read_only_root(kernel):
    kernel.mount("none", "/", "none", MS_RDONLY | MS_BIND | MS_REMOUNT | MS_NOSUID)
