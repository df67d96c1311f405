"""Pods: containers that share a network, shared memory and a host name, which a holder keeps.

A namespace lives as long as somebody is in it. The holder is a container whose one process waits
for nothing: so the address stays when the first application ends. It is called as the pod is.

    ROOT/pod/    the holder's root: empty directories, and `pause`, a program of a few instructions
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from minidocker.engine import ending
from minidocker.errors import Blocked, Conflict, NotFound
from minidocker.images.store.files import write
from minidocker.images.store.store import Store
from minidocker.runtime import reading
from minidocker.runtime.elf import EM_AARCH64, EM_X86_64, executable
from minidocker.spec.pods import HOLDER, NOTE

Record = dict[str, Any]
PAUSE = "pause"
PLACES = ("dev", "etc", "proc", "sys")
# Wait for a signal, for ever: each line as the processor reads it.
X86_64 = """
b822000000      wait:   mov     eax, 34         pause(2)
0f05                    syscall
ebf7                    jmp     wait
"""
AARCH64 = """
d2800000        wait:   mov     x0, #0          ppoll(2): no files, no time, no mask
d2800001                mov     x1, #0
d2800002                mov     x2, #0
d2800003                mov     x3, #0
d2800004                mov     x4, #0
52800928                mov     w8, #73
d4000001                svc     #0
17fffff9                b       wait
"""


def program(machine: str) -> bytes:
    """Return `pause` as an ELF file; Blocked for a machine whose instructions we do not know."""
    if machine not in ("x86_64", "aarch64"):
        raise Blocked(f"there is no holder of pods for {machine}", "x86_64 or arm64")
    x86 = machine == "x86_64"
    words = [line.split()[0] for line in (X86_64 if x86 else AARCH64).strip().splitlines()]
    # Arm's words are written as numbers, and lie in memory with the lowest byte first.
    code = b"".join(bytes.fromhex(word) if x86 else bytes.fromhex(word)[::-1] for word in words)
    return executable(EM_X86_64 if x86 else EM_AARCH64, code)


def root(store: Store) -> str:
    """Make the holder's root, where it is not there; return it."""
    path = store.path("pod")
    for place in PLACES:
        os.makedirs(f"{path}/{place}", 0o755, exist_ok=True)
    wanted = program(os.uname().machine)
    if not same(f"{path}/{PAUSE}", wanted):
        write(f"{path}/{PAUSE}", wanted)
        os.chmod(f"{path}/{PAUSE}", 0o755)
    return path


def same(path: str, wanted: bytes) -> bool:
    """Say whether a program is there, whole, and can be executed."""
    try:
        with open(path, "rb") as stream:
            return stream.read(len(wanted) + 1) == wanted and os.access(path, os.X_OK)
    except OSError:
        return False


def note_of(record: Record) -> str:
    """Return what a container has to do with pods: HOLDER, the id of its holder, or ""."""
    return str(((record.get("spec") or {}).get("annotations") or {}).get(NOTE) or "")


def holders(records: list[Record]) -> Iterator[tuple[Record, list[Record]]]:
    """Yield each pod: its holder, and the containers in it."""
    for record in records:
        if note_of(record) == HOLDER:
            yield record, [one for one in records if note_of(one) == record["id"]]


def find(store: Store, name: str) -> tuple[Record, list[Record]]:
    """Return a pod by its name, its id or the id's beginning: the holder, and what is in it."""
    record = reading.find(store.root, name)
    if note_of(record) != HOLDER:
        raise NotFound(f"{name} is no pod", "minidocker pod ls")
    members = [one for one in reading.records(store.root) if note_of(one) == record["id"]]
    return record, members


def remove(store: Store, name: str, force: bool) -> None:
    """Remove a pod and what is in it; where something runs in it, only by `force`."""
    holder, members = find(store, name)
    running = [one["name"] or one["id"] for one in members if one["alive"]]
    if running and not force:
        raise Conflict(
            f"in the pod {name} runs {', '.join(running)}",
            f"minidocker stop {' '.join(running)}   or: minidocker pod rm -f {name}",
        )
    for one in members:
        ending.remove(one, force, volumes=False)
    ending.remove(holder, force=True, volumes=False)
