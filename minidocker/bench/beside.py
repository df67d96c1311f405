"""What stands beside a running command, and how much memory each of it had at most."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence

from minidocker.bench.clock import Clock, Program, children


def beside(clock: Clock, program: Program) -> dict[str, int]:
    """Run a program until its command (sleep 600) runs; return name → KiB of the others."""
    open(clock.errors, "w").close()
    pid = clock.spawn(program.argv(0), program.env)
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            family = descendants(children() - clock.others)
            commands = [p for p in family if cmdline(p)[-2:] == ["/bin/sleep", "600"]
                        and os.path.basename(cmdline(p)[0]) == "sleep"]  # fmt: skip
            if commands:
                time.sleep(0.2)  # what only helped to start it ends meanwhile
                family = descendants(children() - clock.others)
                return peaks(family, commands)
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                break
            time.sleep(0.02)
        return {}
    finally:
        for one in descendants(children() - clock.others):
            if cmdline(one)[-2:] == ["/bin/sleep", "600"] and one != pid:
                os.kill(one, signal.SIGKILL)
                break
        else:
            os.kill(pid, signal.SIGKILL)
        clock.reap()


def descendants(pids: set[int]) -> list[int]:
    """Return these processes and all below them."""
    found: list[int] = []
    queue = list(pids)
    while queue:
        pid = queue.pop()
        found.append(pid)
        try:
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as text:
                    queue += map(int, text.read().split())
        except OSError:
            pass  # it has just ended
    return found


def cmdline(pid: int) -> list[str]:
    """Return a process's command line, or [""] when it is gone."""
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as text:
            return text.read().rstrip("\0").split("\0")
    except OSError:
        return [""]


def peaks(family: Sequence[int], without: Sequence[int]) -> dict[str, int]:
    """Return name → VmHWM in KiB; processes of one name are added up."""
    found: dict[str, int] = {}
    for pid in family:
        try:
            with open(f"/proc/{pid}/status", encoding="utf-8") as text:
                status = dict(
                    line.strip().split(":\t", 1) for line in text if ":\t" in line.strip()
                )
        except OSError:
            continue
        if pid not in without and "VmHWM" in status:
            found[status["Name"]] = found.get(status["Name"], 0) + int(status["VmHWM"].split()[0])
    return found
