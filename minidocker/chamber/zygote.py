"""The zygote: a small, clean process outside the cells that makes them by clone.

A cell needs a process with few modules and one thread, and pytest's is neither. So
one fresh interpreter is started for a whole grading (20 ms) and clones a cell for each
question (4 ms). It answers requests, one JSON message each, on descriptor 3:

    {"make": {...}} + descriptors    →  {"pid": N}     clone a cell; N is its process 1
    {"end": N}                       →  {"ended": N}   kill process 1, and so all of the cell

When the grader goes away, however it goes, the socket closes, and all cells end.
"""

from __future__ import annotations

import array
import json
import os
import resource
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from minidocker.chamber import bare, cell_init, nodes
from minidocker.chamber.cell_needs import PROCESSES
from minidocker.errors import KernelError
from minidocker.kernel import flags as f
from minidocker.kernel.libc import libc
from minidocker.kernel.linux import Linux

NAMESPACES = (
    f.CLONE_NEWPID | f.CLONE_NEWNS | f.CLONE_NEWNET | f.CLONE_NEWIPC
    | f.CLONE_NEWUTS | f.CLONE_NEWCGROUP
)  # fmt: skip
NOBODIES: dict[int, int] = {}
"""Process 1 of what is no cell (bare.py) → whose all its processes are."""
MESSAGE = 1 << 20
END_SECONDS = 10.0


def receive(channel: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """Read one JSON message and the descriptors that came with it; None when nobody is left."""
    room = socket.CMSG_SPACE(8 * array.array("i").itemsize)
    data, ancillary, _, _ = channel.recvmsg(MESSAGE, room)
    descriptors = array.array("i")
    for level, kind, payload in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors.frombytes(payload[: len(payload) - len(payload) % descriptors.itemsize])
    return (json.loads(data), list(descriptors)) if data else None


def send(
    channel: socket.socket, message: dict[str, Any], descriptors: tuple[int, ...] = ()
) -> None:
    """Write one JSON message, with descriptors for the other side."""
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
    channel.sendmsg([json.dumps(message).encode()], rights if descriptors else [])


def serve(channel: socket.socket) -> None:
    """Answer requests until the grader is gone; then end every cell that is left."""
    kernel = Linux()
    cells: dict[int, int] = {}  # process 1 → the clerk of its nodes, 0 for none
    try:
        while (request := receive(channel)) is not None:
            message, descriptors = request
            if "end" in message:
                end(kernel, message["end"], cells.pop(message["end"], 0))
                send(channel, {"ended": message["end"]})
                continue
            try:
                pid, clerk = make(kernel, channel, message["make"], descriptors)
                cells[pid] = clerk
                send(channel, {"pid": pid})
            except KernelError as problem:
                send(channel, {"refused": str(problem), "errno": problem.errno})
            except Exception as problem:
                send(channel, {"broken": f"{type(problem).__name__}: {problem}"})
            for descriptor in descriptors:
                os.close(descriptor)
    except (OSError, KeyboardInterrupt):
        pass  # the grader has gone: what is left is to clean up
    for pid, clerk in cells.items():
        end(kernel, pid, clerk)


def make(
    kernel: Linux, channel: socket.socket, order: dict[str, Any], descriptors: list[int]
) -> tuple[int, int]:
    """Clone process 1 of a cell, and the clerk that makes its nodes where one is asked for.

    descriptors: talk, control, output, source [, terminal] [, cgroup]. The pid of no clerk is 0.
    """
    scenes = cell_init.load_scenes(order["scenes"])
    cgroup = descriptors[-1] if order["cgroup"] else None
    room = order["room"]
    ours, door = socket.socketpair() if room and order["nodes"] else (None, None)
    nobody = order.get("nobody", 0)
    if nobody:
        bare.load_interface()
    new = 0 if nobody else NAMESPACES | (f.CLONE_NEWUSER if room else 0)
    with owned_by(kernel, room):
        pid = kernel.clone(new, cgroup)
    if pid == 0:
        try:
            kernel.prctl(f.PR_SET_PDEATHSIG, f.SIGKILL)
            if os.getppid() != 0 and not nobody:  # a parent outside the namespace is seen as 0
                os._exit(1)
            channel.close()
            if ours:
                ours.close()
            cell_init.process_one(kernel, scenes, order, descriptors, door)
        except BaseException as problem:  # nothing may unwind into the zygote's own loop
            os.write(2, f"cell: {type(problem).__name__}: {problem}\n".encode())
        finally:
            os._exit(1)
    if nobody:
        NOBODIES[pid] = nobody
    if room:
        write_maps(kernel, pid, room)
    if ours is None or door is None:
        return pid, 0
    door.close()
    clerk = start_clerk(kernel, ours, pid, room)
    ours.close()
    return pid, clerk


def start_clerk(kernel: Linux, door: socket.socket, cell: int, room: dict[str, Any]) -> int:
    """Start the process that makes a cell's device nodes; see nodes.py. It ends with the cell."""
    pid = os.fork()
    if pid == 0:
        try:
            kernel.close_all_but({0, 1, 2, door.fileno()})
            nodes.clerk(kernel, door, cell, room)
        except BaseException as problem:  # nothing may unwind into the zygote's own loop
            os.write(2, f"clerk: {type(problem).__name__}: {problem}\n".encode())
        finally:
            os._exit(1)
    return pid


@contextmanager
def owned_by(kernel: Linux, room: dict[str, Any] | None) -> Iterator[None]:
    """Be another user while a user namespace is made: its processes count for its owner.

    RLIMIT_NPROC at that moment is the limit of the whole namespace, which nobody in it can raise.
    """
    if not room:
        yield
        return
    root = os.geteuid() == 0
    limits = resource.getrlimit(resource.RLIMIT_NPROC)
    most = PROCESSES if root else PROCESSES + processes_of(os.geteuid())
    hard = limits[1]
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(resource.RLIMIT_NPROC, (most, hard))
    if root:
        _, permitted, inheritable = kernel.capget()
        os.seteuid(room["uid"])
        kernel.capset(permitted, permitted, inheritable)
        libc.setfsuid(0)  # for files still root: the course may lie in /root, mode 700
    try:
        yield
    finally:
        if os.getpid() != 1:  # in the clone its own ids and limits are to stay
            if root:
                os.seteuid(0)
                kernel.prctl(f.PR_SET_PDEATHSIG, f.SIGKILL)
            resource.setrlimit(resource.RLIMIT_NPROC, limits)


def processes_of(uid: int) -> int:
    """Return how many processes and threads a user has: they count for the same limit."""
    count = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.stat(f"/proc/{pid}").st_uid == uid:
                count += len(os.listdir(f"/proc/{pid}/task"))
        except OSError:
            continue
    return count


def write_maps(kernel: Linux, pid: int, room: dict[str, Any]) -> None:
    """Write the maps of a cell's user namespace: by ourselves, or by newuidmap for a user."""
    lone = room["count"] == 1
    for word in ("uid", "gid"):
        line = f"0 {room[word]} {room['count']}"
        if room["helper"]:
            kernel.run([f"new{word}map", str(pid), *line.split()])
            continue
        if lone and word == "gid":
            kernel.write(f"/proc/{pid}/setgroups", "deny")
        kernel.write(f"/proc/{pid}/{word}_map", line + "\n")


def end(kernel: Linux, pid: int, clerk: int = 0) -> None:
    """Kill a cell's process 1: the kernel then kills all the others, and waitpid sees them gone.

    A process that sleeps in the kernel may take its time, or stay: nobody waits for that.
    """
    if clerk:
        end(kernel, clerk)  # what waits for it is killed next
    try:
        kernel.kill(pid, f.SIGKILL)
        give_up = time.monotonic() + END_SECONDS
        while not kernel.waitpid(pid, f.WNOHANG)[0] and time.monotonic() < give_up:
            time.sleep(0.001)
    except OSError:
        pass  # ended already
    if uid := NOBODIES.pop(pid, 0):
        bare.end_all(uid)
        bare.remove_files(uid)


def main() -> None:
    """Serve on descriptor 3."""
    Linux().prctl(f.PR_SET_PDEATHSIG, f.SIGKILL)
    sys.dont_write_bytecode = True
    serve(socket.socket(fileno=3))


if __name__ == "__main__":
    main()
