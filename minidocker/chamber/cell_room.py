"""The room of a cell in a user namespace: made of what is needed, inside, by a root who is nobody.

Nothing of the host's tree is in it but programs, libraries and Python, read-only; the package shows
its interface only. Every mount is made in here, so none is locked. Manual: user_namespaces(7).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import sysconfig
from errno import EACCES
from typing import Any

from minidocker.errors import KernelError
from minidocker.kernel import flags as f
from minidocker.kernel.linux import Linux

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
INTERFACE = ("__init__.py", "errors.py", "kernel", "spec")
"""What exercises import; the rest of the package has the answers."""
LINKED = ("bin", "sbin", "lib", "lib64", "lib32", "libx32")
ETC = ("passwd", "group", "hosts", "hostname", "resolv.conf", "nsswitch.conf", "protocols",
       "services", "localtime", "os-release", "ld.so.cache", "ld.so.conf", "ld.so.conf.d",
       "iproute2", "nftables.conf", "ethertypes", "rpc")  # fmt: skip
EMPTY = ("home", "mnt", "opt", "root", "run", "srv", "sys", "var", "var/tmp", "var/lib", "var/log")
MOST_NAMESPACES = 100
"""Of each kind, in the room and in all rooms below it: a namespace is memory of the kernel's."""
SAFE = f.MS_NOSUID | f.MS_NODEV | f.MS_NOEXEC


def become_root(kernel: Linux) -> None:
    """Become id 0 of the room; the maps are written. With one id alone there are no groups."""
    with open("/proc/self/setgroups", encoding="ascii") as file:
        if file.read().strip() == "allow":
            kernel.setgroups([])
    kernel.setresgid(0, 0, 0)
    kernel.setresuid(0, 0, 0)
    # A change of ids clears both: the death signal, and the right to look at one's own /proc.
    kernel.prctl(f.PR_SET_PDEATHSIG, f.SIGKILL)
    kernel.prctl(f.PR_SET_DUMPABLE, 1)


def open_sources(order: dict[str, Any]) -> list[tuple[str, int]]:
    """Open what the room shows of the host; as who judges: a course may lie in /root, mode 700."""
    found = []
    for path in _sources(order):
        fd = os.open(path, os.O_PATH)
        status = os.fstat(fd)
        own = status.st_uid == order["room"]["uid"] and status.st_mode & 0o400
        if not (own or status.st_mode & 0o004):
            why = f"the cell may not read it: chmod -R go+rX {PACKAGE}"
            raise PermissionError(EACCES, why, path)
        found.append((path, fd))
    return found


def build(kernel: Linux, order: dict[str, Any], opened: list[tuple[str, int]]) -> None:
    """Make the room's root on a file system in memory, and enter it."""
    kernel.mount("", "/", "", f.MS_REC | f.MS_PRIVATE)
    base = next(place for place in ("/run", "/tmp", "/mnt") if os.path.isdir(place))
    kernel.mount("room", base, "tmpfs", 0, "size=64m,mode=755")
    root = base
    for name in (*EMPTY, "etc", "proc", "tmp", "dev"):
        kernel.mkdir(f"{root}/{name}")
    for name in LINKED:
        _same(kernel, f"/{name}", f"{root}/{name}")
    for name in ETC:
        _copy(f"/etc/{name}", f"{root}/etc/{name}")
    options = f"size={order.get('tmp', '64m')},mode=1777"
    kernel.mount("tmp", f"{root}/tmp", "tmpfs", f.MS_NOSUID | f.MS_NODEV, options)
    for path, fd in opened:
        _show(kernel, fd, root + path, path in order.get("share", ()))
        os.close(fd)
    _python(kernel, root)
    for path in order["hide"]:
        os.makedirs(root + path, exist_ok=True)  # empty: nothing was shown there
    kernel.mount("proc", f"{root}/proc", "proc", SAFE)
    if order.get("sysfs"):
        with contextlib.suppress(KernelError):  # hidden in part from us, as in some containers
            kernel.mount("sysfs", f"{root}/sys", "sysfs", SAFE)
    _devices(kernel, f"{root}/dev")
    kernel.chdir(root)
    kernel.pivot_root(".", ".")
    kernel.umount2(".", f.MNT_DETACH)
    kernel.chdir("/")
    for name in os.listdir("/proc/sys/user"):
        if name.endswith("_namespaces"):  # nobody raises them again without CAP_SYS_RESOURCE
            kernel.write(f"/proc/sys/user/{name}", str(MOST_NAMESPACES))
    # Shared, as on a machine with systemd: a forgotten "make private" must leak and be seen.
    kernel.mount("", "/", "", f.MS_REC | f.MS_SHARED)


def _sources(order: dict[str, Any]) -> list[str]:
    """Return what of the host is shown, outermost first: programs, Python, an interface."""
    package = [PACKAGE] if order["trusted"] else [f"{PACKAGE}/{name}" for name in INTERFACE]
    python = {
        sysconfig.get_path("stdlib"),
        sysconfig.get_path("platstdlib"),
        sysconfig.get_config_var("LIBDIR") or "",
        os.path.realpath(sys.executable),
    }
    plain = [f"/{name}" for name in LINKED if not os.path.islink(f"/{name}")]
    found: list[str] = []
    for path in ["/usr", "/etc/alternatives", *plain, *sorted(python), *package,
                 *order.get("also", ())]:  # fmt: skip
        inside = any(path == one or path.startswith(one + "/") for one in found)
        if path and os.path.exists(path) and not inside:
            found.append(path)
    return [*found, *order.get("share", ())]


def _same(kernel: Linux, path: str, target: str) -> None:
    """Make the link that the host has; a directory is shown later, as a source."""
    if os.path.islink(path):
        kernel.symlink(os.readlink(path), target)


def _copy(path: str, target: str) -> None:
    """Copy a file or a small tree of /etc that anybody may read, if there is one."""
    try:
        if os.path.isdir(path):
            shutil.copytree(path, target, symlinks=True, ignore_dangling_symlinks=True)
        else:
            shutil.copyfile(path, target)
    except (OSError, shutil.Error):
        pass  # not there, or not for everybody


def _show(kernel: Linux, fd: int, target: str, writable: bool = False) -> None:
    """Bind what a descriptor leads to, with what is mounted below it: read-only, unless shared."""
    source = f"/proc/self/fd/{fd}"
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT, 0o644))
    kernel.mount(source, target, "", f.MS_BIND | f.MS_REC)
    only = 0 if writable else f.MOUNT_ATTR_RDONLY
    kernel.mount_setattr(target, only | f.MOUNT_ATTR_NODEV, recursive=True)


def _python(kernel: Linux, root: str) -> None:
    """Let sys.executable, which may be a link of a virtual environment, lead to the interpreter."""
    target = root + sys.executable
    if not os.path.lexists(target):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        kernel.symlink(os.path.realpath(sys.executable), target)


def _devices(kernel: Linux, path: str) -> None:
    """Make a small /dev: six nodes bound from the host's, for nobody makes nodes in a room."""
    kernel.mount("dev", path, "tmpfs", f.MS_NOSUID, "size=64k,mode=755")
    for name in f.DEVICES:
        os.close(os.open(f"{path}/{name}", os.O_WRONLY | os.O_CREAT, 0o644))
        kernel.mount(f"/dev/{name}", f"{path}/{name}", "", f.MS_BIND)
    kernel.mkdir(f"{path}/pts")
    kernel.mount("devpts", f"{path}/pts", "devpts", f.MS_NOSUID | f.MS_NOEXEC,
                 "newinstance,ptmxmode=0666")  # fmt: skip
    kernel.symlink("pts/ptmx", f"{path}/ptmx")
    kernel.symlink("/proc/self/fd", f"{path}/fd")
