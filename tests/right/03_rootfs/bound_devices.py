# right: the host's device files are bound, as without privileges; chmod instead of umask

from minidocker.kernel.flags import MOUNT_ATTR_RDONLY


def make_dev(kernel, root):
    dev = os.path.join(root, "dev")
    kernel.mount("none", dev, "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755")
    for name in DEVICES:
        open(f"{dev}/{name}", "w").close()
        kernel.mount(f"/dev/{name}", f"{dev}/{name}", "", MS_BIND)
    for directory in ("pts", "shm", "mqueue"):
        os.mkdir(f"{dev}/{directory}")
        os.chmod(f"{dev}/{directory}", 0o1777)
    kernel.mount("none", f"{dev}/pts", "devpts", 0, "newinstance,mode=0620,ptmxmode=0666")
    kernel.mount("none", f"{dev}/shm", "tmpfs", MS_NODEV, "mode=1777,size=1m")
    for link in LINKS:
        os.symlink(LINKS[link], f"{dev}/{link}")


def read_only_root(kernel):
    kernel.mount_setattr("/", MOUNT_ATTR_RDONLY, False)
