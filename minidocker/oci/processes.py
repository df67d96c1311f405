"""Processes: what runs in a container, as ps(1) shows it, or as numbers of the host."""

from __future__ import annotations

import json

from minidocker.errors import Blocked, UsageError
from minidocker.oci import groups

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from minidocker.oci.container import Container


def processes(container: Container, form: str, words: list[str]) -> str:
    """Return the processes as a table, or their numbers as JSON; none of one that has ended.

    `words` are options for ps(1); without them it is asked for its full format.
    """
    if form not in ("table", "json"):
        raise UsageError(f"--format {form} is neither table nor json", "--format json")
    pids = pids_of(container, container.load())
    if form == "json":
        return json.dumps(pids, separators=(",", ":"))
    import subprocess

    try:
        done = subprocess.run(["ps", *(words or ["-ef"])], capture_output=True, check=False)
    except FileNotFoundError:
        raise Blocked(
            "ps(1) is not on this machine", "apt-get install procps; --format json"
        ) from None
    lines = done.stdout.decode(errors="replace").splitlines()
    if done.returncode or not lines:
        raise UsageError(f"ps: {done.stderr.decode(errors='replace').strip()}", "options of ps(1)")
    return only(lines, pids)


def only(lines: list[str], pids: list[int]) -> str:
    """Keep the header, and the rows whose number in the column PID is one of these."""
    titles = lines[0].split()
    if "PID" not in titles:
        raise UsageError("ps: there is no column PID in what it prints", "-o pid,…")
    column = titles.index("PID")
    wanted = {str(pid) for pid in pids}
    rows = [line for line in lines[1:] if wanted & {*line.split()[column : column + 1]}]
    plain = ("".join(c if c.isprintable() else "?" for c in row) for row in (lines[0], *rows))
    return "\n".join(plain)


def pids_of(container: Container, record: dict[str, Any]) -> list[int]:
    """Return the numbers of all processes in its cgroup; of PID 1 where it has none."""
    pids = sorted(groups.members(record["facts"]))
    first = container.pid(record)
    return pids or ([first] if first else [])
