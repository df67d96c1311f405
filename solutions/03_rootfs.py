"""Lesson 03: the root file system.

What you build here: `pivot` and `read_only_root`, the parts of the `rootfs` stage, and `make_dev`,
a part of the `mounts` stage. When they pass, `minidocker run --mine` starts containers with them.

`kernel` has one method for each system call: kernel.mount(source, target, fstype, flags, data),
kernel.chdir(path), kernel.pivot_root(new, old), kernel.umount2(path, flags), kernel.mkdir(path),
kernel.mknod(path, mode, device), kernel.symlink(target, path), kernel.umask(mask).
They do what the man pages say. What the kernel refuses raises an OSError.

The comments in the functions name subgoals, by the same six words in lessons 01 to 05:
    look: at what is there    build: what you ask for          ask: the kernel for it
    check: what it means      let go: of what must not stay    tell: return it, or raise

Judge your work with:  minidocker grade 03
"""

from __future__ import annotations

import os

from minidocker.kernel.flags import (
    MNT_DETACH,
    MS_BIND,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_RDONLY,
    MS_REC,
    MS_REMOUNT,
    S_IFBLK,
    S_IFCHR,
)

# 1. ORDER (rung R3). Put the five steps into an order that works. The grader does them.
#    "bind":   kernel.mount(new_root, new_root, "", MS_BIND | MS_REC): now it is a mount
#    "chdir":  kernel.chdir(new_root)                 "pivot": kernel.pivot_root(".", ".")
#    "detach": kernel.umount2(".", MNT_DETACH)        "home":  kernel.chdir("/")
# After pivot_root(".", ".") the old root lies on top of the new one: detach takes it away.
PIVOT_ORDER = ["bind", "chdir", "pivot", "detach", "home"]


# 2. CONTRACT (rung R5). Write it from what it must do. (5 lines)
def pivot(kernel, new_root):
    """Make the directory `new_root` the root of this mount namespace, and let go of the old root.

    new_root: an absolute path. It need not be a mount point. What is mounted below it comes along.
    Afterwards the mount table of the process (/proc/PID/mountinfo) holds nothing of the old root,
    and its working directory is the new "/", wherever it was before.
    The process is in a mount namespace of its own, and all mounts in it are private.
    With a directory for the old root, as in the manual's example, it is right too: then that
    directory is no mount point any more when pivot returns. See pivot_root(2), umount2(2).
    """
    # ask: for the new root
    kernel.mount(new_root, new_root, "", MS_BIND | MS_REC)
    kernel.chdir(new_root)
    kernel.pivot_root(".", ".")
    # let go: of the old one
    kernel.umount2(".", MNT_DETACH)
    kernel.chdir("/")


# name → (major, minor): the kernel's numbers of six devices that every program expects
DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9),
           "tty": (5, 0)}  # fmt: skip
LINKS = {"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1",
         "stderr": "/proc/self/fd/2", "ptmx": "pts/ptmx"}  # fmt: skip


# 3. HOLE (rung R4). Fill in what stands as `...`, and mind the umask. (6 lines)
def make_dev(kernel, root):
    """Make a small /dev in the tree `root`: what every program expects, and no disk.

    root: an absolute path, such as "/tmp/box". `root`/dev is there, and empty.
    A tmpfs is mounted on it. In it are
    - the six DEVICES: character devices, which everybody may read and write (mode 666),
      whatever the umask is. The umask takes permissions away from every new file: umask(2).
      Afterwards the umask is as it was before; kernel.umask(mask) returns the old one.
    - the LINKS;
    - pts, a devpts: terminals of its own. Everybody may open its ptmx: ptmxmode=0666;
    - shm, a tmpfs in which everybody may write: mode=1777.
    MS_NODEV would make all device files on a mount dead. See mount(2), mknod(2).
    """
    # ask: for a small file system
    dev = f"{root}/dev"
    kernel.mount("tmpfs", dev, "tmpfs", MS_NOSUID, "mode=755,size=64k")
    # ask: for the devices, and all may read and write them
    old = kernel.umask(0)
    for name, number in DEVICES.items():
        kernel.mknod(f"{dev}/{name}", S_IFCHR | 0o666, number)
    kernel.umask(old)
    # ask: for the links
    for name, target in LINKS.items():
        kernel.symlink(target, f"{dev}/{name}")
    # ask: for pts and shm, and a mount on each
    for name in ("pts", "shm"):
        kernel.mkdir(f"{dev}/{name}")
    kernel.mount("devpts", f"{dev}/pts", "devpts", MS_NOSUID | MS_NOEXEC, "ptmxmode=0666")
    kernel.mount("shm", f"{dev}/shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777")


# 4. REPAIR (rung R2). This one does harm: nobody can write to the file system any more. (1 line)
def read_only_root(kernel):
    """Make "/" read-only for this container, and for nobody else.

    To write to "/" then fails with EROFS. What is mounted below it, such as /dev, stays writable.
    A file system can be mounted at many places. Only the mount at "/" changes, not the file
    system behind it: others write to that. mount(2) says what MS_REMOUNT | MS_BIND does.
    """
    # ask: that this mount alone takes no writes
    kernel.mount("", "/", "", MS_REMOUNT | MS_BIND | MS_RDONLY)


# 5. MORE, CONTRACT (rung R5). An open directory is a way out that stays open. (6 lines)
def close_inherited(first):
    """See to it that no descriptor from number `first` up stays open across execve(2).

    Until then all stay open: this process still needs its line to the host.
    Those below `first` stay open across execve.
    /proc/self/fd lists the descriptors of this process. os.listdir opens one for itself, and
    that one is closed again when you come to it. See fcntl(2), FD_CLOEXEC, os.set_inheritable.
    """
    # let go: of each descriptor from first up, when the exec comes
    for number in map(int, os.listdir("/proc/self/fd")):
        try:
            if number >= first:
                os.set_inheritable(number, False)
        except OSError:
            continue


def identity(path):
    """Return (st_dev, st_ino) of a directory: equal for two paths, the same directory.

    Given; nothing to do here. /proc/PID/root and /proc/PID/cwd are such paths: proc(5).
    """
    found = os.stat(path)
    return found.st_dev, found.st_ino


def top_of(path):
    """Go up from a directory by ".." until it goes no higher; return the identity of the top.

    Given. From a container's root that holds, ".." leads nowhere else: its top is itself.
    """
    while identity(path) != identity(f"{path}/.."):
        path = f"{path}/.."
    return identity(path)


def mounts_of(pid):
    """Return what is mounted for process `pid`: a set of (device, directory of that device).

    Given. They are fields 3 and 4 of each line of /proc/PID/mountinfo; "self" is this process.
    """
    with open(f"/proc/{pid}/mountinfo") as file:
        return {tuple(line.split()[2:4]) for line in file}


# 6. MORE, INSPECT (rung R6). A check of your own: does the root of a process hold? (4 lines)
def check_pivot(pid):
    """Say whether process `pid` sits behind a pivot that is right: True or False.

    True when going up from its root ends at its root, going up from its working directory
    ends at its root too, and nothing is mounted for it that is mounted for you.
    The grader tries it on processes behind right and wrong pivots.
    """
    root = identity(f"/proc/{pid}/root")
    if top_of(f"/proc/{pid}/root") != root or top_of(f"/proc/{pid}/cwd") != root:
        return False
    return not mounts_of(pid) & mounts_of("self")
