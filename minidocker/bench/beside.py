"""What stands beside a running command, and how much memory each of it had at most."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence

from minidocker.bench.clock import Clock, Program
from minidocker.proc import processes
from minidocker.proc.lean import children


def beside(clock: Clock, program: Program) -> dict[str, int]:
    """Run a program until its command (sleep 600) runs; return name → KiB of the others."""
    open(clock.errors, "w").close()
    pid = clock.spawn(program.argv(0), program.env)
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            family = processes.descendants(set(children()) - clock.others)
            commands = [p for p in family if cmdline(p)[-2:] == ["/bin/sleep", "600"]
                        and os.path.basename(cmdline(p)[0]) == "sleep"]  # fmt: skip
            if commands:
                time.sleep(0.2)  # what only helped to start it ends meanwhile
                family = processes.descendants(set(children()) - clock.others)
                return peaks(family, commands)
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                break
            time.sleep(0.02)
        return {}
    finally:
        for one in processes.descendants(set(children()) - clock.others):
            if cmdline(one)[-2:] == ["/bin/sleep", "600"] and one != pid:
                os.kill(one, signal.SIGKILL)
                break
        else:
            os.kill(pid, signal.SIGKILL)
        clock.reap()


def cmdline(pid: int) -> list[str]:
    """Return a process's command line, or [""] when it is gone."""
    try:
        return list(processes.process(pid).command) or [""]
    except (LookupError, PermissionError):
        return [""]


def peaks(family: Sequence[int], without: Sequence[int]) -> dict[str, int]:
    """Return name → VmHWM in KiB; processes of one name are added up."""
    found: dict[str, int] = {}
    for pid in set(family) - set(without):
        try:
            name, size = processes.status(pid)["Name"], processes.sizes(pid).get("VmHWM", 0)
        except LookupError:
            continue
        if size:
            found[name] = found.get(name, 0) + size
    return found
