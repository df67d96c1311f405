"""A Dockerfile of ten steps: built with every step done, and again out of the cache.

Each program begins with the same base, from this machine's busybox. A step is a RUN that writes
one small file, without a network: what is measured is the way there and back.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
from collections.abc import Callable
from typing import Any

from minidocker.bench import rivals
from minidocker.bench.clock import Clock

STEPS = 10


class Building:
    """The context, and the programs that build it, each with a store of its own."""

    def __init__(self, work: str, clock: Clock) -> None:
        self.work, self.clock = work, clock
        self.context = os.path.join(work, "context")
        self.place = os.path.join(work, "podman-build")
        os.makedirs(self.context)
        os.makedirs(self.place)
        lines = ["FROM base", *(f"RUN echo {number} > /{number}" for number in range(STEPS - 1))]
        with open(os.path.join(self.context, "Dockerfile"), "w", encoding="ascii") as file:
            file.write("\n".join(lines) + "\n")
        with open(os.path.join(self.place, "conf"), "w", encoding="ascii") as file:
            file.write(rivals.CONTAINERS_CONF)
        self.env = {
            "MINIDOCKER_ROOT": os.path.join(work, "builder"),
            "CONTAINERS_CONF": os.path.join(self.place, "conf"),
        }

    def podman(self, *words: str) -> list[str]:
        """Return a command line of Podman's, with storage of its own."""
        return [
            "podman", "--root", f"{self.place}/a", "--runroot", f"{self.place}/b",
            "--cgroup-manager", "cgroupfs", "--events-backend", "file", "--runtime", "runc", *words,
        ]  # fmt: skip

    def programs(self) -> dict[str, list[str]]:
        """Return how each builds; `--no-cache` comes at the end where it is wanted."""
        words = ["build", "-q", "--network", "none", "-t", "built", self.context]
        return {
            "minidocker": [*rivals.entry(), *words],
            "podman": self.podman(*words, "--layers"),
        }

    def make_ready(self) -> str:
        """Give both the base; why that failed, or ""."""
        base = os.path.join(self.work, "base.tar")
        commands = [
            [*rivals.entry(), "image", "build-base"],
            [*rivals.entry(), "save", "base", "-o", base],
        ]
        if rivals.find("podman"):
            commands.append(self.podman("load", "-q", "-i", base))
        for argv in commands:
            done = subprocess.run(argv, env={**os.environ, **self.env}, capture_output=True,
                                  text=True)  # fmt: skip
            if done.returncode:
                return (done.stderr.strip().splitlines() or ["no word"])[-1]
        return ""

    def clear(self) -> None:
        """Remove the stores."""
        if rivals.find("podman"):
            subprocess.run(self.podman("unmount", "--all"), capture_output=True)
            subprocess.run(["umount", "-q", f"{self.place}/a/overlay"], capture_output=True)
        for path in (self.context, self.place, self.env["MINIDOCKER_ROOT"]):
            shutil.rmtree(path, ignore_errors=True)


def building(work: str, clock: Clock, runs: int, tick: Callable[[str], None]) -> dict[str, Any]:
    """Return a row for each program: seconds with every step done, and out of the cache."""
    bench = Building(work, clock)
    try:
        if why := bench.make_ready():
            return {"builds": [{"name": "minidocker", "problem": why}]}
        rows = {name: measure(bench, name, argv, runs, tick)
                for name, argv in bench.programs().items()}  # fmt: skip
    finally:
        bench.clear()
    ours, theirs = rows["minidocker"], rows["podman"]
    found: dict[str, Any] = {"builds": list(rows.values())}
    if "problem" not in ours:
        found["cached"] = ours["cached"]
        if "problem" not in theirs:
            found["build_ratio"] = round(ours["build"] / theirs["build"], 3)
    return found


def measure(
    bench: Building, name: str, argv: list[str], runs: int, tick: Callable[[str], None]
) -> dict[str, Any]:
    """Build so many times, each time without and with the cache; medians in seconds."""
    if name != "minidocker" and not rivals.find(name):
        return {"name": name, "problem": f"not installed: apt-get install {name}"}
    found: dict[str, list[float]] = {"build": [], "cached": []}
    for number in range(runs):
        for key, more in (("build", ["--no-cache"]), ("cached", [])):
            tick(f"{name} {key} {number + 1}")
            os.sync()  # what earlier steps wrote must not be paid by this one
            sample = bench.clock.measure([*argv, *more], bench.env)
            if sample.status:
                return {"name": name, "problem": sample.error}
            found[key].append(sample.wall)
    medians = {key: round(statistics.median(walls), 2) for key, walls in found.items()}
    return {"name": name, **medians}
