# right: pathlib, and a chmod instead of the umask

import stat
from pathlib import Path


def make_dev(kernel, root):
    dev = Path(root, "dev")
    kernel.mount("tmpfs", str(dev), "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755")
    for n, (a, b) in DEVICES.items():
        os.mknod(dev / n, stat.S_IFCHR | 0o666, os.makedev(a, b))
        (dev / n).chmod(0o666)
    for n, t in LINKS.items():
        (dev / n).symlink_to(t)
    (dev / "pts").mkdir()
    (dev / "shm").mkdir(mode=0o1777)
    kernel.mount(
        "devpts",
        str(dev / "pts"),
        "devpts",
        MS_NOSUID | MS_NOEXEC,
        "newinstance,ptmxmode=0666,mode=0620",
    )
    kernel.mount(
        "tmpfs",
        str(dev / "shm"),
        "tmpfs",
        MS_NOSUID | MS_NODEV | MS_NOEXEC,
        "mode=1777,size=65536k",
    )
