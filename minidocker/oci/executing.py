"""Executing: what `exec` runs, from a file or from its words, and whether we wait for it."""

from __future__ import annotations

import os

from minidocker.errors import Blocked, Conflict, UsageError
from minidocker.kernel.flags import CAPABILITIES
from minidocker.oci import bundle as bundles
from minidocker.oci import groups
from minidocker.oci.config import load
from minidocker.oci.creation import given
from minidocker.oci.entering import enter
from minidocker.oci.foreground import stay
from minidocker.oci.making import send_pidfd, write_pid

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
    status = container.status(record)
    if status == "paused" and said.get("ignore-paused"):
        container.release()  # it stands still until `resume`, which wants the lock, too
    elif status not in ("created", "running"):
        hint = "--ignore-paused" if status == "paused" else f"minidocker oci state {container.id}"
        raise Conflict(f"cannot exec in a {status} container", hint)
    bundle = container.bundle(record)
    wanted(bundle, said, words)
    console = os.path.abspath(str(said["console-socket"])) if said.get("console-socket") else ""
    detach = bool(said.get("detach"))
    if bundle.spec.process.terminal and detach and not console:
        raise UsageError(
            "cannot allocate tty if minidocker will detach without setting console socket",
            "--console-socket SOCKET",
        )
    place(kernel, record, said.get("cgroup", []))
    birth = enter(kernel, container, bundle, record, console, given(keep))
    pid = birth.pid
    try:
        birth.open_gate()
        birth.until_it_waits()  # here the gate does not wait: what runs then is the command
        if pid_file:
            write_pid(pid_file, pid)
        if "pidfd-socket" in said:
            send_pidfd(str(said["pidfd-socket"]), pid, "setns")
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
        profile = bundle.profile
        bundles.process(part, bundle, bundle.spec)
        if not part.has("capabilities"):
            bundle.sets = sets
        process.rlimits = process.rlimits or rlimits
        bundle.profile = bundle.profile or profile
        process.oom_score = score if process.oom_score is None else process.oom_score
        process.terminal = process.terminal or bool(said.get("tty"))
        return
    if not words:
        raise UsageError("process args cannot be empty", "exec ID COMMAND…, or --process FILE")
    if said.get("process-label"):
        raise UsageError(
            "--process-label: minidocker does not do that", "leave it out, or take runc"
        )
    bundle.profile = str(said.get("apparmor") or bundle.profile)
    process.args, process.terminal = words, bool(said.get("tty"))
    bundles.must_be_variables(said.get("env", []), "--env")
    process.env += said.get("env", [])
    process.cwd = str(said.get("cwd") or process.cwd)
    if not process.cwd.startswith("/"):
        raise UsageError(f"--cwd {process.cwd!r} is not an absolute path", "--cwd /tmp")
    process.no_new_privs = bool(said.get("no-new-privs", process.no_new_privs))
    if "user" in said:
        numbers = str(said["user"]).split(":")
        if len(numbers) > 2 or not all(is_id(word) for word in numbers):
            raise UsageError(f"--user {said['user']!r} is not UID or UID:GID", "--user 1000:1000")
        bundle.uid = int(numbers[0])
        bundle.gid = int(numbers[-1]) if len(numbers) > 1 else bundle.gid
    bundle.groups = [*bundle.groups, *(group(text) for text in said.get("additional-gids", []))]
    bundles.tell_unknown(said.get("cap", []))
    for name in said.get("cap", []):
        if name not in CAPABILITIES:
            continue
        bit = 1 << CAPABILITIES.index(name)
        # Without any that is inheritable nothing can be ambient; with some, runc tries.
        ambient = ("ambient",) if bundle.sets.inheritable else ()
        for one in ("bounding", "effective", "permitted", *ambient):
            setattr(bundle.sets, one, getattr(bundle.sets, one) | bit)
    bundles.tell_unraisable(bundle.sets)
    os.environ.pop("LISTEN_FDS", None)


def is_id(text: str) -> bool:
    """Say whether this is a number that a user or a group can have."""
    return text.isascii() and text.isdecimal() and int(text) < bundles.UNCHANGED


def group(text: str) -> int:
    """Read one --additional-gids."""
    if not is_id(text):
        raise UsageError(f"--additional-gids {text!r} is no group id", "--additional-gids 1000")
    return int(text)


def place(kernel: Kernel, record: dict[str, Any], wanted: list[str]) -> None:
    """Choose the cgroups of the new process: the container's, or others below it.

    `PATH` is for every tree, `CONTROLLERS:PATH` for those of version 1. Where version 2 lets no
    process into the container's own, since those below have limits, it goes to that of PID 1.
    """
    facts = record["facts"]
    own = str(facts.get("cgroup", ""))
    if wanted and not groups.has_any(facts):
        raise Blocked(f"--cgroup {wanted[0]}: this container has no cgroup", "leave it out")
    for text in wanted:
        names, _, path = text.rpartition(":")
        below = groups.old_of(facts)
        if names:
            known = {os.path.relpath(one, groups.ROOT).split("/")[0]: one for one in below}
            if strange := [name for name in names.split(",") if name not in known]:
                words = f"--cgroup {text}: unknown controller {strange[0]}"
                raise UsageError(words, "cat /proc/cgroups")
            below = [known[name] for name in names.split(",")]
        chosen = {one: inner(one, path) for one in below}
        facts["cgroups"] = [chosen.get(one, one) for one in groups.old_of(facts)]
        if not names and own:
            facts["cgroup"] = inner(own, path)
    if own and not wanted and kernel.read(f"{own}/cgroup.subtree_control").strip():
        lines = kernel.read(f"/proc/{record['pid']}/cgroup").splitlines()
        path = next((line[3:] for line in lines if line.startswith("0::")), "")
        tree = groups.Trees().unified
        if path and f"{tree}{path}".startswith(f"{own}/"):
            facts["cgroup"] = f"{tree}{path}"


def inner(cgroup: str, path: str) -> str:
    """Return a cgroup below the container's; one above it, or one that is not there, is refused."""
    found = os.path.normpath(f"{cgroup}/{path}")
    if found != cgroup and not found.startswith(f"{cgroup}/"):
        words = f"bad sub cgroup path: {path} is not a sub cgroup path"
        raise UsageError(f"--cgroup: {words}", "a path below the container's")
    if not os.path.isdir(found):
        words = f"adding pid to cgroups: {found}/cgroup.procs: no such file or directory"
        raise UsageError(f"--cgroup {path}: {words}")
    return found
