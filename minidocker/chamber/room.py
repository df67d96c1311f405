"""The room: a place of namespaces in which the learner is root, and where every mistake ends.

A shell in it has its own processes, mounts, network, names and ids. Programs and the course are
shown read-only; all else lies in memory and goes with the room. Where the host's root opens it, its
root is nobody outside; an ordinary user is root of it, and has no more power outside than before.
Process 1 is ours: it builds the room, starts the command, and reaps. Manual: user_namespaces(7).
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys
import termios
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, NoReturn

from minidocker.chamber import cell_needs, cell_room, cgroups, zygote
from minidocker.errors import Blocked, KernelError
from minidocker.kernel import detached
from minidocker.kernel import flags as f
from minidocker.kernel.linux import Linux
from minidocker.places import HOST_GROUP, OF_ROOT, ROOM
from minidocker.spec import ids
from minidocker.stages import cgroup

COURSE = os.path.dirname(cell_room.PACKAGE)
STORE = "/var/lib/minidocker"
SIOCSIFFLAGS, IFF_UP = 0x8914, 1


def enter(words: list[str], terminal: int | None = None, share: Sequence[str] = ()) -> int:
    """Open a room, start a command in it, and return the room's process 1, whose status it has.

    terminal: the slave side of a pty for the command, else it has the caller's three descriptors.
    share: directories of the caller's that may be written to in the room; they stay. What root
    shares is mapped: root of the room owns there what root owns. mount_setattr(2), Linux 5.12
    When the caller ends, the room ends. Blocked where the kernel or a setting forbids one.
    """
    if os.geteuid():
        ids.refuse_by_apparmor()
    kernel = Linux()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    uid, above = os.geteuid(), cgroups.above_rooms()
    # Of root's: four ranges of ids that nobody has, so that a container in it may have one of them.
    owner = None if uid else {**asdict(cell_needs.own_room()), "count": 4 << 16}
    try:
        if owner:
            _map(kernel, owner, [COURSE, *share])
        with zygote.owned_by(kernel, owner):
            pid = kernel.clone(zygote.NAMESPACES | f.CLONE_NEWUSER)
        if pid == 0:
            ours.close()
            os.environ.setdefault(ROOM, "1" if uid else OF_ROOT)
            _process_one(kernel, theirs, words, terminal, share)
        theirs.close()
        zygote.write_maps(kernel, pid, owner) if owner else _write_own_maps(kernel, pid)
    except KernelError as problem:
        raise Blocked(f"no room can be made here: {problem}", "minidocker doctor") from None
    limited = bool(above) and cgroups.for_room(above, pid, owner["uid"] if owner else None)
    ours.send(b"cg" if limited else b"go")
    told = ours.recv(2000).decode(errors="replace")
    ours.close()
    if told != "ready":
        os.waitpid(pid, 0)
        why, _, remedy = told.partition("\0")
        raise Blocked(
            f"no room can be made here: {why or 'its process 1 ended'}",
            remedy or "minidocker doctor",
        )
    return pid


def _write_own_maps(kernel: Linux, pid: int) -> None:
    """Let an ordinary user be root of the room, with the subordinate ids if there are some."""
    mine = ids.choose({})
    for word, own, more in (("uid", mine.uid, mine.subuid), ("gid", mine.gid, mine.subgid)):
        lines = [f"0 {own} 1"] + ([f"1 {more[0]} {more[1]}"] if more else [])
        if mine.helper:
            kernel.run([f"new{word}map", str(pid), *" ".join(lines).split()])
            continue
        if word == "gid":
            kernel.write(f"/proc/{pid}/setgroups", "deny")
        kernel.write(f"/proc/{pid}/{word}_map", lines[0] + "\n")


def _map(kernel: Linux, owner: dict[str, Any], paths: Sequence[str]) -> None:
    """Show what lies below these directories with the owners that the room's ids give them.

    The first is the course, which is read-only; to the others the room may write. It is done in a
    mount namespace of our own, from which the room's is copied: what comes into a user namespace
    that way is locked, so that nobody in it takes the read-only away.
    """
    pid = kernel.clone(f.CLONE_NEWUSER)
    if pid == 0:
        try:
            kernel.prctl(f.PR_SET_PDEATHSIG, f.SIGKILL)
            signal.pause()
        finally:
            os._exit(0)
    try:
        zygote.write_maps(kernel, pid, owner)
        namespace = open(f"/proc/{pid}/ns/user", "rb")
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    with namespace:
        trees = [detached.copy_of(path, whole=True) for path in paths]
        for tree in trees:
            detached.map_ids(tree, namespace.fileno(), recursive=True)
    kernel.unshare(f.CLONE_NEWNS)
    kernel.mount("", "/", "", f.MS_REC | f.MS_PRIVATE)
    only = f.MOUNT_ATTR_RDONLY | f.MOUNT_ATTR_NODEV | f.MOUNT_ATTR_NOSUID
    for tree, path in zip(trees, paths, strict=True):
        detached.change(tree, only, 0, 0, recursive=True)
        only &= ~f.MOUNT_ATTR_RDONLY
        kernel.move_mount(tree, path)
        os.close(tree)


def _process_one(
    kernel: Linux, line: socket.socket, words: list[str], terminal: int | None,
    share: Sequence[str],
) -> NoReturn:  # fmt: skip
    """Build the room, start the command, reap until it ends; its status is ours."""
    status, here = 1, os.getcwd()
    try:
        kernel.prctl(f.PR_SET_PDEATHSIG, f.SIGKILL)
        word = line.recv(2)
        if not word:
            os._exit(1)
        if word == b"cg":
            kernel.unshare(f.CLONE_NEWCGROUP)  # so that ours is the root of what is seen
        kernel.join_session_keyring()  # the caller's keys stay outside
        order = {
            "trusted": True, "hide": [], "also": [COURSE, sys.prefix], "sysfs": True,
            "tmp": "1g", "share": list(share), "room": {"uid": 0},  # we see our own files as 0's
        }  # fmt: skip
        opened = cell_room.open_sources(order)
        cell_room.become_root(kernel)
        cell_room.build(kernel, order, opened)
        if word == b"cg":
            _show_cgroups(kernel)
        _furnish(kernel, here)
        line.send(b"ready")
        line.close()
        status = _run(words, terminal)
    except OSError as problem:
        line.send(f"{problem}".encode())
    finally:
        os._exit(status)


def _show_cgroups(kernel: Linux) -> None:
    """Mount the room's part of the cgroups, and leave its root empty: only so it can be divided."""
    kernel.mount("none", cgroup.ROOT, "cgroup2", cell_room.SAFE)
    kernel.mkdir(f"{cgroup.ROOT}/{HOST_GROUP}")
    kernel.write(f"{cgroup.ROOT}/{HOST_GROUP}/cgroup.procs", "0")


def _furnish(kernel: Linux, here: str) -> None:
    """Give the room a name, a loopback, a store for containers, and the command `minidocker`.

    here: where the caller stands; the command begins there, if the room shows that place.
    """
    kernel.sethostname("room")
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))
    for kind, name in (("tmpfs", "shm"), ("mqueue", "mqueue")):
        kernel.mkdir(f"/dev/{name}")
        kernel.mount(kind, f"/dev/{name}", kind, f.MS_NOSUID | f.MS_NODEV | f.MS_NOEXEC)
    with open("/etc/shadow", "w", encoding="ascii") as file:  # a secret to be kept, and no secret
        file.write("root:*:20000:0:99999:7:::\n")
    os.chmod("/etc/shadow", 0o600)
    kernel.mkdir(STORE)
    kernel.mount("store", STORE, "tmpfs", f.MS_NODEV, "size=512m,mode=755")
    kernel.mkdir("/opt/bin")
    with open("/opt/bin/minidocker", "w", encoding="utf-8") as file:
        file.write(f'#!/bin/sh\nexec {sys.executable} -m minidocker "$@"\n')
    os.chmod("/opt/bin/minidocker", 0o755)
    os.environ.update(
        PATH=f"/opt/bin:{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin", HOME="/root",
        PYTHONPATH=COURSE, PYTHONDONTWRITEBYTECODE="1", MINIDOCKER_ROOT=STORE, PS1="room # ",
    )  # fmt: skip
    os.environ.pop("JPY_PARENT_PID", None)  # a kernel would look for a process that is not in here
    os.chdir(here if os.path.isdir(here) else COURSE)


def _run(words: list[str], terminal: int | None) -> int:
    """Start the command in a session of its own; return its exit status, as a shell says it."""

    def own_terminal() -> None:
        os.setsid()
        if terminal is not None:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    # Process 1 of a namespace does not feel a signal that it has not asked for: signal(7).
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    python = [sys.executable, "-m", "minidocker"]
    try:
        subprocess.run([*python, "image", "build-base"], capture_output=True, check=False)
    except OSError:  # it lies where the room has something else, such as /root
        print(f"minidocker: a room does not show the Python in {sys.base_prefix}\n"
              "  try: make setup PYTHON=/usr/bin/python3", file=sys.stderr, flush=True)  # fmt: skip
        return 125
    streams: dict[str, Any] = {}
    if terminal is not None:
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), terminal)
    try:
        started = subprocess.Popen(words, preexec_fn=own_terminal, **streams)
    except OSError as problem:
        print(f"minidocker: {words[0]}: {problem.strerror}", file=sys.stderr, flush=True)
        return 127
    if terminal is not None:
        os.close(terminal)
    while True:
        pid, status = os.wait()
        if pid == started.pid:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
