"""A container that runs alone, for notebooks: its family at a moment, and its events.

    detach("minidocker run …")    start something that lives on when the cell has ended
    kin("box")                    PID 1, its keepers, and what was sent in: a moment for `family`
    happened("box")               the words of its events, for `life`
"""

from __future__ import annotations

import atexit
import subprocess

from minidocker.images.store.store import Store
from minidocker.lab.cells import CellFailed, environment, shell_text
from minidocker.pictures.family import Relative, relatives
from minidocker.proc import processes
from minidocker.runtime import reading

_seen: dict[str, dict[int, str]] = {}
_left: list[str] = []  # what goes when the kernel does


def detach(command: str) -> str:
    """Run a line of shell, and end nothing that it has started; return what it printed.

    `sh` ends all that its command has started: a container of `run -d` would end with its cell.
    What this has started with `run -d` is removed when the notebook's kernel ends.
    """
    done = subprocess.run(
        ["sh", "-c", shell_text(command)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True,
        env=environment(), check=False,
    )  # fmt: skip
    if done.returncode:
        raise CellFailed(f"{done.stdout}[exit status {done.returncode}: {command}]")
    printed = done.stdout.strip()
    if " run -d" in f" {command}":
        _left.extend(line for line in printed.splitlines() if line.isalnum())
    return printed


@atexit.register
def _remove() -> None:
    """Remove the containers that are left."""
    if _left:
        words = shell_text(f"minidocker rm -f {' '.join(_left)} >/dev/null 2>&1")
        nothing = subprocess.DEVNULL
        subprocess.run(["sh", "-c", words], stdin=nothing, env=environment(), check=False)


def kin(name: str) -> list[Relative]:
    """Return the family of a container at this moment, those of earlier moments included.

    ConflictError and others of `reading.find` when there is no such container.
    """
    record = reading.find(Store().root, name)
    roles = _seen.setdefault(record["id"], {})
    for role in ("standby", "keeper"):
        pid = str(record.get(role) or "").partition(" ")[0]
        if pid.isdigit():
            roles.setdefault(int(pid), role)
    first = int(record.get("pid") or 0)
    if first:
        roles.setdefault(first, "PID 1")
        try:
            inside = processes.members(processes.namespace(first, "pid"))
        except (LookupError, PermissionError):
            inside = []
        for item in inside:
            if item.ppid != first and item.pid not in roles:
                roles[item.pid] = f"exec: {item.name}"
    return relatives(roles)


def happened(name: str) -> list[str]:
    """Return the words of a container's events, oldest first; also of one that is gone."""
    from minidocker.engine.told import Events

    words = [
        str(event["Action"]) for event in Events(Store().root).past()
        if event["Type"] == "container"
        and name in (event["Actor"]["ID"], event["Actor"]["Attributes"].get("name"))
    ]  # fmt: skip
    last = len(words) - words[::-1].index("create") - 1 if "create" in words else 0
    return words[last:]  # older ones are of another container that had this name
