"""The caller's variables: which of them a run may take along where others see our process.

With --init, PID 1 of the container is this Python. Whoever has CAP_SYS_PTRACE inside may read its
memory, so it starts again with few variables (runtime/readonly.py); here is said which.
"""

from __future__ import annotations

import os
import stat
import sys

from minidocker.plan.notes import read_file
from minidocker.stages import choose

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from typing import Any

OPTION = "--env-file"


def named(found: dict[str, Any]) -> list[str] | None:
    """Name the caller's variables that the container is to have; None where that is all of them.

    So it is without a root of its own: it is the host's process then, with walls.
    """
    if "rootfs" not in [stage.name for stage in choose(str(found.get("stages", "")))]:
        return None
    names = [str(item) for item in found.get("env", ())]
    if "env-file" in found:
        found["env-file"] = [readable_twice(str(file)) for file in found["env-file"]]
        for file in found["env-file"]:
            names += read_file(file, OPTION)  # NAME=VALUE is the name of none
    return names


def readable_twice(file: str) -> str:
    """Return a file that can be read once more, after we have started again.

    What comes through a pipe is kept in memory, and the command line then names that.
    """
    try:
        kind = stat.S_IFMT(os.stat(file).st_mode)
        if kind in (stat.S_IFREG, stat.S_IFDIR):
            return file
        with open(file, "rb") as stream:
            text = stream.read()
    except OSError:
        return file  # whoever reads it says why it cannot be read
    memory = os.memfd_create("env-file", 0)  # not closed by the exec
    with open(memory, "wb", closefd=False) as kept:
        kept.write(text)
    path = f"/proc/self/fd/{memory}"
    words = sys.orig_argv
    for number, word in enumerate(words):
        if word == f"{OPTION}={file}":
            words[number] = f"{OPTION}={path}"
            break
        if word == file and words[number - 1] == OPTION:
            words[number] = path
            break
    return path
