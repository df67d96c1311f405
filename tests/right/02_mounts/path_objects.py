# right: paths as objects of pathlib

from pathlib import Path


def bind(kernel, source, target, read_only):
    kernel.mount(Path(source), Path(target), "", MS_BIND | MS_REC)
    if read_only:
        kernel.mount_setattr(Path(target), MOUNT_ATTR_RDONLY, True)


def mount_proc(kernel, root):
    kernel.mount("proc", Path(root or "/") / "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
