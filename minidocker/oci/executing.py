"""Executing: what `exec` runs, from a file or from its words, and whether we wait for it."""

from __future__ import annotations

import os

from minidocker.errors import UsageError
from minidocker.kernel.flags import CAPABILITIES
from minidocker.oci import bundle as bundles
from minidocker.oci.config import load
from minidocker.oci.entering import enter
from minidocker.oci.foreground import stay
from minidocker.oci.making import write_pid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from minidocker.kernel.interface import Kernel
    from minidocker.oci.container import Container
    from minidocker.oci.kinds import Bundle


def run(
    kernel: Kernel, container: Container, said: dict[str, Any], words: list[str], keep: int,
    pid_file: str,
) -> int:  # fmt: skip
    """Run it; return its exit status, or 0 as soon as it runs with --detach."""
    container.hold()
    record = container.load()
    container.must_be(record, "created", "running")
    bundle = container.bundle(record)
    wanted(bundle, said, words)
    console = str(said.get("console-socket", ""))
    detach = bool(said.get("detach"))
    if bundle.spec.process.terminal and detach and not console:
        raise UsageError(
            "cannot allocate tty if minidocker will detach without setting console socket",
            "--console-socket SOCKET",
        )
    birth = enter(kernel, container, bundle, record, console, keep)
    pid = birth.pid
    try:
        birth.open_gate()
        birth.until_it_waits()  # here the gate does not wait: what runs then is the command
        if pid_file:
            write_pid(pid_file, pid)
    except BaseException:
        birth.end()
        raise
    container.release()
    return 0 if detach else stay(birth)


def wanted(bundle: Bundle, said: dict[str, Any], words: list[str]) -> None:
    """Put what is to be run into the bundle, in place of the container's own command.

    Without capabilities or limits of its own, it has the container's.
    """
    process = bundle.spec.process
    if "process" in said:
        _, part = load(str(said["process"]))
        sets, rlimits, score = bundle.sets, process.rlimits, process.oom_score
        bundles.process(part, bundle, bundle.spec)
        if not part.has("capabilities"):
            bundle.sets = sets
        process.rlimits = process.rlimits or rlimits
        process.oom_score = score if process.oom_score is None else process.oom_score
        return
    if not words:
        raise UsageError("exec wants a command, or --process FILE", "exec ID COMMAND…")
    process.args, process.terminal = words, bool(said.get("tty"))
    process.env += said.get("env", [])
    process.cwd = str(said.get("cwd") or process.cwd)
    process.no_new_privs = bool(process.no_new_privs or said.get("no-new-privs"))
    if "user" in said:
        numbers = str(said["user"]).split(":")
        if not all(word.isascii() and word.isdecimal() for word in numbers) or len(numbers) > 2:
            raise UsageError(f"--user {said['user']!r} is not UID or UID:GID", "--user 1000:1000")
        bundle.uid, bundle.gid = int(numbers[0]), int(numbers[-1]) if len(numbers) > 1 else 0
        bundle.groups = []
    for name in said.get("cap", []):
        if name not in CAPABILITIES:
            raise UsageError(f"--cap {name}: there is no such capability", "man 7 capabilities")
        bit = 1 << CAPABILITIES.index(name)
        for one in ("bounding", "effective", "permitted"):
            setattr(bundle.sets, one, getattr(bundle.sets, one) | bit)
    os.environ.pop("LISTEN_FDS", None)
