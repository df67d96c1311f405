"""What an exec makes of the capabilities of a process that has done something, seen and drawn."""

from __future__ import annotations

import secrets

from minidocker.lab.cells import CellFailed, stream
from minidocker.pictures.exec_sets import exec_sets
from minidocker.pictures.picture import Picture

END = """
print({mark!r} + open("/proc/self/status").read() + {mark!r})
os.execvp("cat", ["cat", "/proc/self/status"])
"""


def through_exec(code: str) -> Picture:
    """Run lines of Python as %%isolated does, then exec a program; draw the sets before and after.

    Both come from /proc/PID/status of that process. CellFailed: the lines or the exec failed.
    """
    mark, pieces = secrets.token_hex(8), list[str]()
    ended = stream([], code + END.format(mark=mark), pieces.append)
    printed = "".join(pieces)
    if ended or printed.count(mark) != 2:
        raise CellFailed(printed.replace(mark, "").strip() or f"[exit status {ended}]")
    said, before, after = printed.split(mark)
    print(said, end="")
    return exec_sets(before.strip(), after.strip())
