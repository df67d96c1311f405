"""Refusals: a profile that is no more than a list of them, which lesson 11's filter can say.

Another ABI is killed: the same numbers mean other calls there. A profile that asks for more,
arguments say, is compiled by compiler.py alone. seccomp(2)
"""

from __future__ import annotations

import os

from minidocker.seccomp import calls, compiler
from minidocker.seccomp.profile import ACTIONS, EPERM, ERRNO, Rules, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def compiled(rules: dict[int, int]) -> bytes:
    """Compile {number of a call: errno}; every other call is allowed."""
    chosen, native = Rules(ACTIONS["SCMP_ACT_ALLOW"]), calls.machine(os.uname().machine)
    chosen.calls[native] = {number: [([], ERRNO | errno)] for number, errno in rules.items()}
    chosen.known[native] = 0
    return compiler.compile_rules(chosen)


def in_file(path: str) -> dict[str, int]:
    """Return what a profile's file refuses, where it is such a list; else {}."""
    with open(path, encoding="utf-8") as text:
        return listed(read(text.read(), path), os.uname().machine)


def listed(profile: dict[str, Any], machine: str) -> dict[str, int]:
    """Return {number: errno} of a profile that is a list of refusals, and nothing more; else {}.

    That is what lesson 11's compile_filter takes: all else is allowed, no argument is looked at.
    """
    table, found = calls.numbers()[calls.machine(machine)], {}
    if profile.get("defaultAction") != "SCMP_ACT_ALLOW":
        return {}
    for entry in profile.get("syscalls") or []:
        conditions = any(entry.get(key) for key in ("args", "includes", "excludes"))
        if entry.get("action") != "SCMP_ACT_ERRNO" or conditions:
            return {}
        errno = entry.get("errnoRet")
        for name in entry.get("names") or [entry.get("name", "")]:
            if name in table:
                found[str(table[name])] = EPERM if errno is None else int(errno)
    return found if len(found) <= 100 else {}
