"""Yard: the exam's room, in which Podman runs on learner code, and whose walls that cannot move.

Two user namespaces, one in the other, of ids that nobody has. Ours, the outer one, makes the root:
Python, Podman and few other programs, the package with holes, the exercises, all of it read-only.
In the inner one everything runs; there those mounts are locked, and nothing of them can be taken
away or written to. user_namespaces(7), mount_namespaces(7)

Who judges is outside of both. It starts each command itself, so output and exit status come from
the kernel, and it looks at the processes in there from the host's side.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import struct
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import NoReturn

from minidocker.chamber import cell_needs, cell_room, zygote
from minidocker.errors import Blocked, KernelError
from minidocker.kernel import detached
from minidocker.kernel import flags as f
from minidocker.kernel.linux import Linux
from minidocker.proc import mounts
from minidocker.proc.lean import children
from minidocker.spec import ids

OPT = "/opt/exam"
STORE = "/var/lib/exam"
IDS = 65536
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
PROGRAMS = ("busybox", "sh", "ip", "nft", "nsenter", "openssl")
OTHERS = ("/usr/libexec/podman/conmon", "/usr/lib/podman/conmon")
# Here other runtimes lie, and tools that do a learner's work: of these, PROGRAMS alone are shown.
HIDDEN = (
    "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/usr/libexec",
    "/usr/local/libexec", "/bin", "/sbin",
)  # fmt: skip
SEARCH = ":".join(HIDDEN[:4] + HIDDEN[-2:])
SHOWN = ("/usr", "/lib", "/lib64", "/bin", "/sbin")


def program(name: str) -> str:
    """Return where a program lies; "" when it is not on this machine."""
    found = shutil.which(name, path=SEARCH)
    others = [one for one in OTHERS if os.path.basename(one) == name and os.path.exists(one)]
    return found or next(iter(others), "")


class Yard:
    """A room that stands: `outer` and `inner` are the processes 1 of its two halves."""

    def __init__(self, files: dict[str, bytes], programs: Sequence[str]) -> None:
        """Make it; Blocked where the kernel forbids that.

        files: what lies in OPT, path → content. programs: what is shown beside PROGRAMS.
        """
        self.programs = (*PROGRAMS, *programs)
        self.kernel = Linux()
        self.files = files
        self.outer = self.inner = 0
        self.mounted: set[int] = set()  # what is mounted in it before learner code runs
        if os.geteuid():
            ids.refuse_by_apparmor()
        room = cell_needs.own_room()
        if room.count < IDS:
            raise Blocked(
                "the exam's containers need 65536 ids, and this user has fewer",
                "sudo minidocker exam, or sudo usermod --add-subuids 100000-165535 "
                "--add-subgids 100000-165535 $USER",
            )
        self._make(asdict(room))

    def _make(self, room: dict[str, object]) -> None:
        """Clone the outer half, and wait until both stand."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with zygote.owned_by(self.kernel, room):
                self.outer = self.kernel.clone(zygote.NAMESPACES | f.CLONE_NEWUSER)
            if self.outer == 0:
                ours.close()
                self._be_outer(theirs, room)
            theirs.close()
            zygote.write_maps(self.kernel, self.outer, room)
        except KernelError as problem:
            why = f"the exam's room cannot be made: {problem}"
            raise Blocked(why, "minidocker doctor") from None
        with contextlib.suppress(OSError):
            ours.send(b"go")
        told = ours.recv(2000).decode(errors="replace")
        ours.close()
        if told != "ready":
            self.end()
            why = told or "its process 1 ended"
            raise Blocked(f"the exam's room cannot be made: {why}", "minidocker doctor")
        self.inner = children(self.outer)[0]
        self.mounted = {one.id for one in mounts.mounts(self.inner)}

    def end(self) -> None:
        """End every process in it; its files were in memory, and go with the last of them."""
        if self.outer:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.outer, f.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.outer, 0)
            self.outer = 0

    def _be_outer(self, line: socket.socket, room: dict[str, object]) -> NoReturn:
        """Be process 1 of the outer half: build the root, start the inner half, wait for it."""
        kernel = self.kernel
        try:
            kernel.prctl(f.PR_SET_PDEATHSIG, f.SIGKILL)
            if line.recv(2) != b"go":
                os._exit(1)
            kernel.join_session_keyring()
            order = {
                "trusted": False, "hide": [], "sysfs": True, "tmp": "256m", "room": room,
                "also": [],
            }  # fmt: skip
            opened = cell_room.open_sources(order)
            cell_room.become_root(kernel)
            cell_room.build(kernel, order, opened)
            show_programs(kernel, self.programs)
            self._place_files()
            wait, ready = os.pipe()
            pid = kernel.clone(zygote.NAMESPACES | f.CLONE_NEWUSER)
            if pid == 0:
                os.close(ready)
                self._be_inner(line, wait)
            for name in ("uid_map", "gid_map"):
                kernel.write(f"/proc/{pid}/{name}", f"0 0 {IDS}\n")
            os.write(ready, b"m")
            line.close()
            os.waitpid(pid, 0)
        except BaseException as problem:
            with contextlib.suppress(OSError):
                line.send(f"{problem}".encode()[:2000])
        finally:
            os._exit(1)

    def _place_files(self) -> None:
        """Write what the containers are made with, and close it to all changes."""
        for name, content in self.files.items():
            path = f"{OPT}/{name}"
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(content)
            os.chmod(path, 0o755 if name.startswith("bin/") else 0o644)
        self.kernel.mount(OPT, OPT, "", f.MS_BIND)
        self.kernel.mount_setattr(OPT, f.MOUNT_ATTR_RDONLY)

    def _be_inner(self, line: socket.socket, wait: int) -> NoReturn:
        """Be process 1 of the inner half: mount what only it may, then reap until the end."""
        kernel = self.kernel
        try:
            kernel.prctl(f.PR_SET_PDEATHSIG, f.SIGKILL)
            if not os.read(wait, 1):
                os._exit(1)
            kernel.setsid()
            cell_room.become_root(kernel)
            furnish(kernel)
            line.send(b"ready")
            kernel.close_all_but(set())
            kernel.prctl(f.PR_SET_DUMPABLE, 0)
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
            while True:
                signal.sigwait({signal.SIGCHLD})
                with contextlib.suppress(ChildProcessError):
                    while os.waitpid(-1, os.WNOHANG)[0]:
                        pass
        except BaseException as problem:
            with contextlib.suppress(OSError):
                line.send(f"{problem}".encode()[:2000])
        finally:
            os._exit(1)


def furnish(kernel: Linux) -> None:
    """Mount what belongs to the inner half, give it a name and a loopback; share all mounts.

    Shared, as under systemd: a container whose mounts were not made private must be seen.
    """
    for target, kind, data in (
        ("/proc", "proc", ""), ("/sys", "sysfs", ""), ("/run", "tmpfs", "mode=755"),
        ("/tmp", "tmpfs", "mode=1777"), ("/root", "tmpfs", "mode=700"),
        ("/dev/shm", "tmpfs", "mode=1777"), ("/dev/mqueue", "mqueue", ""),
        (STORE, "tmpfs", "size=512m,mode=755"), ("/etc/containers", "tmpfs", "mode=755"),
    ):  # fmt: skip
        os.makedirs(target, exist_ok=True)
        dead = 0 if target == STORE else f.MS_NODEV
        safe = f.MS_NOSUID | f.MS_NOEXEC if kind != "tmpfs" else 0
        kernel.mount(kind, target, kind, safe | dead, data)
    with open("/etc/containers/policy.json", "w", encoding="ascii") as file:
        file.write('{"default": [{"type": "insecureAcceptAnything"}]}')
    kernel.sethostname("exam")
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))
    kernel.mount("", "/", "", f.MS_REC | f.MS_SHARED)


def show_programs(kernel: Linux, programs: Sequence[str]) -> None:
    """Cover the places where programs lie, and show these few in them."""
    copies: dict[str, int] = {}
    links: dict[str, str] = {}
    python = os.path.realpath(sys.executable)
    for path in (python, *map(program, programs), *OTHERS):
        if path and os.path.exists(path):
            leads_to = os.path.realpath(path)
            copies.setdefault(leads_to, detached.copy_of(leads_to, False))
            links[path] = leads_to
    hidden = [one for one in HIDDEN if os.path.isdir(one) and not os.path.islink(one)]
    for place in hidden:
        kernel.mount("programs", place, "tmpfs", f.MS_NOSUID | f.MS_NODEV, "size=1m,mode=755")
    for leads_to, tree in copies.items():
        if not os.path.exists(leads_to):
            os.makedirs(os.path.dirname(leads_to), exist_ok=True)
            os.close(os.open(leads_to, os.O_WRONLY | os.O_CREAT, 0o755))
            kernel.move_mount(tree, leads_to)
        os.close(tree)
    for path, leads_to in links.items():
        if not os.path.lexists(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            kernel.symlink(leads_to, path)
    for place in hidden:
        kernel.mount_setattr(place, f.MOUNT_ATTR_RDONLY)
