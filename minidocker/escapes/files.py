"""Escapes by files: roots, mounts, volumes, files that give rights, device nodes."""

from __future__ import annotations

import os
import shutil
import stat
import struct

from minidocker.errors import Blocked
from minidocker.escapes.escape import Escape
from minidocker.escapes.yard import BASE, PLACE, VOLUME, Yard
from minidocker.kernel.flags import CAPABILITIES
from minidocker.proc import mounts

# --- a root ------------------------------------------------------------------------------------

CHROOT_BREAK = """
top = os.open("/", os.O_RDONLY)
os.makedirs("/tmp/below", exist_ok=True)
os.chroot("/tmp/below")
os.fchdir(top)                 # now the working directory lies outside of the root
for _ in range(30):
    os.chdir("..")
os.chroot(".")
print(open("/canary/token").read())
"""

HANDLE = """
class Handle(ctypes.Structure):
    _fields_ = [("size", ctypes.c_uint), ("kind", ctypes.c_int), ("text", ctypes.c_ubyte * 128)]
"""
MAKE_HANDLE = (
    HANDLE
    + """
handle, mount = Handle(128), ctypes.c_int()
call("name_to_handle_at", -100, sys.argv[1:] and b"" or os.environb[b"M_FILE"],
     ctypes.byref(handle), ctypes.byref(mount), 0)
print(handle.kind, bytes(handle.text[:handle.size]).hex())
"""
)
OPEN_BY_HANDLE = (
    HANDLE
    + """
kind, text = os.environ["M_HANDLE"].split()
text = bytes.fromhex(text)
handle = Handle(len(text), int(kind), (ctypes.c_ubyte * 128)(*text))
mount = os.open(os.environ["M_VOLUME"], os.O_RDONLY)   # any file of the same file system will do
print(open(call("open_by_handle_at", mount, ctypes.byref(handle), os.O_RDONLY)).read())
"""
)


def beside_the_volume(yard: Yard) -> None:
    """Put the secret next to the volume, on the same file system, and find its number."""
    yard.put(f"{PLACE}/private", yard.secret)
    yard.facts["M_HANDLE"] = yard.python(MAKE_HANDLE, M_FILE=f"{PLACE}/private")


# --- mounts ------------------------------------------------------------------------------------


def mounted_outside(yard: Yard) -> bool:
    """A mount has arrived in the yard's own mount table."""
    return any(one.point == "/mnt" for one in mounts.mounts())


NAIVE_MOUNT_POINT = """
os.makedirs("/yard/base/link/new")     # a runtime that follows the image's links
"""


def link_in_the_image(yard: Yard) -> None:
    """Let /link of the image, and of the yard, lead to a directory of the yard's."""
    os.makedirs("/outside")
    for root in (BASE, ""):
        os.symlink("/outside", f"{root}/link")


def made_outside(yard: Yard) -> bool:
    """The mount point has been made in the yard's directory."""
    return os.path.exists("/outside/new")


# --- files that give rights --------------------------------------------------------------------


def setuid_in_volume(yard: Yard) -> None:
    """Put a program with root's setuid bit into the volume."""
    shutil.copy(yard.order["python"], f"{VOLUME}/become")
    os.chmod(f"{VOLUME}/become", 0o4755)


def became_root(yard: Yard) -> bool:
    """A process that began as user 1000 now acts as user 0."""
    return any(yard.status(pid, "Uid")[:2] == ["1000", "0"] for pid in yard.pids())


def capable_in_image(yard: Yard) -> None:
    """Put a program with file capabilities into the image. capabilities(7), vfs_cap_data"""
    path = f"{BASE}/capable"
    shutil.copy(yard.order["python"], path)
    os.chmod(path, 0o755)
    bit = 1 << CAPABILITIES.index("CAP_SYS_PTRACE")
    os.setxattr(path, "security.capability", struct.pack("<5I", 0x02000001, bit, 0, 0, 0))


def became_capable(yard: Yard) -> bool:
    """A process of user 1000 has a capability that its container was not given."""
    bit = 1 << CAPABILITIES.index("CAP_SYS_PTRACE")
    return any(
        yard.status(pid, "Uid")[:1] == ["1000"]
        and int((yard.status(pid, "CapEff") or ["0"])[0], 16) & bit
        for pid in yard.pids()
    )


SLEEP = ("-I", "-S", "-c", "import time; time.sleep(0.5)")

# --- device nodes ------------------------------------------------------------------------------

NODE = "mknod /node $M_NODE && exec 3</node && sleep 9"


LOOP = os.makedev(7, 0)


def disks() -> list[int]:
    """Return the numbers of the machine's block devices, the disks first."""
    with open("/proc/partitions", encoding="ascii") as table:
        rows = [line.split() for line in table]
    found = [os.makedev(int(row[0]), int(row[1])) for row in rows if row and row[0].isdigit()]
    return [*found, LOOP]


def name_the_disk(yard: Yard) -> None:
    """Tell the attack the number of a disk; it opens it, and reads nothing of it.

    A machine may refuse its root the disk itself (a virtual machine's host can): then an empty
    loop device serves, which is a block device of the machine's just the same.
    """
    for number in disks():
        os.mknod("/try", stat.S_IFBLK | 0o600, number)
        try:
            os.close(os.open("/try", os.O_RDONLY | os.O_CLOEXEC))
        except OSError:
            continue
        finally:
            os.unlink("/try")
        yard.facts["M_NODE"] = f"b {os.major(number)} {os.minor(number)}"
        return
    raise Blocked("this machine lets its root open no block device")


def disk_open(yard: Yard) -> bool:
    """The attack has that block device open."""
    _, major, minor = yard.facts["M_NODE"].split()
    return yard.holds_device(stat.S_IFBLK, os.makedev(int(major), int(minor)))


def memory_open(yard: Yard) -> bool:
    """The attack has the machine's memory open."""
    return yard.holds_device(stat.S_IFCHR, os.makedev(1, 1))


def name_the_memory(yard: Yard) -> None:
    """Tell the attack the number of /dev/mem."""
    yard.facts["M_NODE"] = "c 1 1"


ESCAPES = (
    Escape("chroot_break", "climb out of the root with a second chroot and '..'", "chroot(2)",
           CHROOT_BREAK, python=True),
    Escape("mount_leak", "mount something that appears on the host", "mount_namespaces(7)",
           "mount -t tmpfs mine /mnt && sleep 0.3", probe=mounted_outside),
    Escape("volume_link", "let a link in the image lead a mount point out of it",
           "CVE-2021-30465", "sleep 0.1", options=("-v", f"{VOLUME}:/link/new"), begin="mounts",
           bare=NAIVE_MOUNT_POINT, setup=link_in_the_image, probe=made_outside),
    Escape("open_by_handle", "open a host file by its number, on the file system of a volume",
           "open_by_handle_at(2)", OPEN_BY_HANDLE, python=True, volume=True,
           setup=beside_the_volume),
    Escape("setuid_volume", "become root by a setuid program in a volume", "execve(2), mount(8)",
           options=("--user", "1000:1000"), volume=True, program=("$M_VOLUME/become", *SLEEP),
           setup=setuid_in_volume, probe=became_root),
    Escape("file_capabilities", "gain power by a program with file capabilities in the image",
           "capabilities(7)", options=("--user", "1000:1000"),
           program=("$M_BASE/capable", *SLEEP), setup=capable_in_image, refusal=True,
           probe=became_capable),
    Escape("disk_node", "make a node of the host's disk, and open it", "mknod(2)", NODE,
           setup=name_the_disk, probe=disk_open),
    Escape("dev_mem", "make a node of the machine's memory, and open it", "mem(4)", NODE,
           setup=name_the_memory, probe=memory_open),
)  # fmt: skip
