"""Device nodes for a cell: mknod(2) needs the host's root, so a process outside does it.

A filter makes each mknod of the cell wait; the *clerk*, a process of the zygote's, looks at its
own copy of what was asked and answers. The six devices that everybody may use become real nodes.
They lie on a file system of the clerk's, and are mounted at the name. Every other number becomes a
node on the cell's own file system, which no kernel opens (it belongs to a user namespace): it can
be seen and packed, and no more. Manual: seccomp_unotify(2), user_namespaces(7).
"""

from __future__ import annotations

import array
import os
import select
import signal
import socket
import stat
from errno import EACCES, EFAULT, EIO, EPERM, ESRCH
from typing import Any, NoReturn

from minidocker.kernel import flags as f
from minidocker.kernel import notify
from minidocker.kernel.linux import Linux
from minidocker.seccomp import bpf

MKNOD = {"x86_64": (133,), "aarch64": ()}
MKNODAT = {"x86_64": 259, "aarch64": 33}
AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
AT_FDCWD = -100
LONGEST = 4096  # PATH_MAX
SECONDS = 5  # for one node
PTMX = os.makedev(5, 2)  # the kernel looks for the devpts beside the node: a link does the same
LIVE = {os.makedev(*number) for number in f.DEVICES.values()}
DEAD = 255  # no errno: the mount there is nodev
CAP_MKNOD = 1 << f.CAPABILITIES.index("CAP_MKNOD")
HERE = "/tmp"  # in the clerk's own mount namespace


def ask_the_clerk(door: socket.socket) -> None:
    """Let every mknod of this process, and of all that it starts, go to the clerk."""
    machine = os.uname().machine
    program = bpf.Assembler()
    program.load(bpf.ARCH)
    program.test(bpf.EQUAL, AUDIT_ARCH[machine], "ours", "free")
    program.label("ours")
    program.load(bpf.NUMBER)
    for number in (*MKNOD[machine], MKNODAT[machine]):
        other = program.name()
        program.test(bpf.EQUAL, number, "ask", other)
        program.label(other)
    program.label("free")
    program.give(notify.RET_ALLOW)  # and the kernel refuses: nobody makes nodes in a room
    program.label("ask")
    program.give(notify.RET_USER_NOTIF)
    listener = notify.listen(program.assemble())
    right = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [listener]))]
    door.sendmsg([b"l"], right)
    os.close(listener)
    door.close()


def clerk(kernel: Linux, door: socket.socket, cell: int, room: dict[str, Any]) -> NoReturn:
    """Serve the filter of a cell, whose process 1 is `cell`, until nobody has it any more."""
    kernel.prctl(f.PR_SET_PDEATHSIG, f.SIGKILL)
    kernel.unshare(f.CLONE_NEWNS)
    kernel.mount("", "/", "", f.MS_REC | f.MS_PRIVATE)
    kernel.mount("nodes", HERE, "tmpfs", f.MS_NOSUID | f.MS_NOEXEC, "size=64k,mode=711")
    user = os.open(f"/proc/{cell}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    _, rights, _, _ = door.recvmsg(1, socket.CMSG_SPACE(4))
    if not rights:
        os._exit(0)  # the cell has ended before it asked
    listener = array.array("i", rights[0][2])[0]
    os.set_inheritable(listener, False)
    door.close()
    events = select.poll()
    events.register(listener, select.POLLIN)
    while not events.poll()[0][1] & (select.POLLHUP | select.POLLERR):
        found = notify.asked(listener)
        if found is not None:
            number, pid, call, words = found
            if call == MKNODAT[os.uname().machine]:
                folder, words = _signed(words[0]), words[1:]
            else:
                folder = AT_FDCWD
            request = Request(listener, number, pid, folder, words, user, room)
            errno, flags = request.done(kernel)
            notify.answer(listener, number, errno, flags)
    os._exit(0)


def _signed(word: int) -> int:
    word &= 0xFFFFFFFF
    return word - (1 << 32) if word >> 31 else word


class Request:
    """One mknod that waits; all that is known of its caller is read once, then used."""

    def __init__(
        self, listener: int, number: int, pid: int, folder: int, words: tuple[int, ...],
        user: int, room: dict[str, Any],
    ) -> None:  # fmt: skip
        self.listener, self.number, self.pid, self.folder = listener, number, pid, folder
        self.address, self.mode, self.device = words[0], words[1] & 0xFFFF, words[2] & 0xFFFFFFFF
        self.user, self.room = user, room

    def done(self, kernel: Linux) -> tuple[int, int]:
        """Do it, and return (errno, flags) for the answer."""
        kind = stat.S_IFMT(self.mode)
        if kind not in (stat.S_IFCHR, stat.S_IFBLK) or (kind == stat.S_IFCHR and not self.device):
            return 0, notify.CONTINUE  # a file, a pipe, a whiteout: everybody may
        try:
            self._look()
        except OSError as problem:
            return problem.errno or EIO, 0
        work = self._inert
        if kind == stat.S_IFCHR and self.device in (PTMX, *LIVE):
            work = self._link if self.device == PTMX else self._live
        try:
            errno = self._apart(kernel, work)
            return self._apart(kernel, self._inert) if errno == DEAD else errno, 0
        finally:
            for fd in (self.mounts, self.root, self.start):
                os.close(fd)

    def _look(self) -> None:
        """Read who asks, for which name, and where it stands."""
        base = f"/proc/{self.pid}"
        with open(f"{base}/status", encoding="utf-8") as file:
            facts = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        if os.stat(f"{base}/ns/user").st_ino != os.fstat(self.user).st_ino or not (
            int(facts["CapEff"], 16) & CAP_MKNOD
        ):
            raise PermissionError(EPERM, "not root of the cell")
        self.umask = int(facts["Umask"], 8)
        with open(f"{base}/mem", "rb", buffering=0) as memory:
            self.name = _text(memory.fileno(), self.address)
        where = "cwd" if self.folder == AT_FDCWD else f"fd/{self.folder}"
        how = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
        self.mounts = os.open(f"{base}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
        self.root = os.open(f"{base}/root", how)
        self.start = self.root if self.name.startswith("/") else os.open(f"{base}/{where}", how)
        self.start = os.dup(self.start)
        if not notify.waits(self.listener, self.number):
            raise ProcessLookupError(ESRCH, "it has gone")

    def _apart(self, kernel: Linux, work: Any) -> int:
        """Do the work in a child that has a bound; return its errno, 0 for none."""
        pid = os.fork()
        if pid == 0:
            signal.alarm(SECONDS)
            try:
                work(kernel)
                os._exit(0)
            except OSError as problem:
                os._exit(problem.errno or EIO)
            finally:
                os._exit(EIO)
        status = os.waitpid(pid, 0)[1]
        return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else EIO

    def _enter(self, kernel: Linux) -> None:
        """Stand where the caller stands."""
        kernel.setns(self.mounts, f.CLONE_NEWNS)
        os.fchdir(self.root)
        os.chroot(".")
        os.fchdir(self.start)

    def _place(self) -> tuple[int, str]:
        """Return the directory of the new name, open, and the name in it."""
        folder, name = os.path.split(self.name.rstrip("/"))
        return os.open(folder or ".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC), name

    def _live(self, kernel: Linux) -> None:
        """Make one of the six on our own file system, the cell's to own, and mount it there."""
        path = f"{HERE}/{os.urandom(8).hex()}"
        os.umask(self.umask)
        os.mknod(path, self.mode, self.device)
        os.chown(path, self.room["uid"], self.room["gid"])
        tree = notify.copy_of(path)
        folder, name = self._as_root(kernel)
        if os.fstatvfs(folder).f_flag & os.ST_NODEV:
            os._exit(DEAD)
        os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder))
        notify.attach(tree, folder, name)

    def _link(self, kernel: Linux) -> None:
        """Make the link that stands for a node of the terminals' multiplexer."""
        folder, name = self._as_root(kernel)
        os.symlink("pts/ptmx", name, dir_fd=folder)

    def _as_root(self, kernel: Linux) -> tuple[int, str]:
        """Become the cell's root, who is nobody out here, and find the place of the new name."""
        kernel.setns(self.user, f.CLONE_NEWUSER)
        kernel.setresgid(0, 0, 0)
        kernel.setresuid(0, 0, 0)
        self._enter(kernel)
        return self._place()

    def _inert(self, kernel: Linux) -> None:
        """Make a node in a directory of the cell's own, with one right of the host's root."""
        uid, gid = self.room["uid"], self.room["gid"]
        self._enter(kernel)
        os.umask(self.umask)
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        kernel.prctl(f.PR_SET_KEEPCAPS, 1)
        os.setresuid(uid, uid, uid)  # what the cell's root is out here
        kernel.capset(CAP_MKNOD, CAP_MKNOD, 0)
        folder, name = self._place()
        if os.fstat(folder).st_uid != uid:  # what is shown of the host has no owner in the room
            raise PermissionError(EACCES, "not the cell's own directory")
        os.mknod(name, self.mode, self.device, dir_fd=folder)


def _text(memory: int, address: int) -> str:
    """Read a path of another process: up to its zero byte, a page at a time."""
    data = b""
    while b"\0" not in data and len(data) < LONGEST:
        at = address + len(data)
        piece = os.pread(memory, 4096 - at % 4096, at)
        if not piece:
            raise OSError(EFAULT, "no text there")
        data += piece
    return os.fsdecode(data.partition(b"\0")[0])
