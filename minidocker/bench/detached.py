"""What lives on: `run -d`, `exec`, `ps` and logs, beside Podman; many at once, and the memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from minidocker.bench.rivals import Rivals, entry
from minidocker.proc import processes

Result = dict[str, Any]
AT_ONCE = 8  # commands that start containers at the same time
CHUNK = 64 * 1024  # bytes of a log that are read at once
LONG = "1000"  # seconds that a container sleeps
COLUMNS = ("run_ms", "exec_ms", "ps_ms", "many_s", "mib", "log_s")


class Engine:
    """One of the two: how its command lines begin, and what `run` needs."""

    def __init__(
        self, name: str, words: list[str], run: list[str], env: Mapping[str, str]
    ) -> None:  # fmt: skip
        self.name, self.words, self.run = name, words, run
        self.env = {**os.environ, **env}

    def timed(self, *words: str) -> float:
        """Run a command to its end; return the seconds. CalledProcessError when it fails."""
        began = time.perf_counter()
        subprocess.run([*self.words, *words], env=self.env, check=True, capture_output=True,
                       stdin=subprocess.DEVNULL)  # fmt: skip
        return time.perf_counter() - began

    def start(self, name: str, *command: str) -> float:
        """Start a container that runs alone; return the seconds until its command runs."""
        return self.timed("run", "-d", "--name", name, *self.run, *command)

    def log_bytes(self, name: str) -> int:
        """Return how many bytes `logs` prints."""
        with subprocess.Popen(
            [*self.words, "logs", name], env=self.env, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as reader:  # fmt: skip
            assert reader.stdout
            count = 0
            while data := reader.stdout.read(CHUNK):
                count += len(data)
            return count


def engines(work: str, rivals: Rivals) -> tuple[list[Engine], list[Result]]:
    """Return those that can be measured, and a row that says why for each other one."""
    limits = ["--log-opt", "max-size=-1"]
    ours = ["--network", "none", *limits, "--rootfs", rivals.rootfs]
    root = {"MINIDOCKER_ROOT": os.path.join(work, "alone")}
    found, rows = [Engine("minidocker", entry(), ours, root)], []
    podman = rivals.podman([])
    if podman.problem:
        rows.append({"name": "podman", "problem": podman.problem})
    else:
        argv = list(podman.argv(0))
        begin = argv.index("run")
        options = [word for word in argv[begin + 1 :] if word != "--rm"]
        options = ["--log-driver", "k8s-file", *options]
        found.append(Engine("podman", argv[:begin], options, podman.env))
    return found, rows


def detached(
    work: str, rivals: Rivals, runs: int, quick: bool, tick: Callable[[str], None]
) -> Result:
    """Measure each, one after the other: they would share the processors with what they started."""
    many, megabytes = (20, 20) if quick else (200, 1000)
    both, missing = engines(work, rivals)
    rows: list[Result] = []
    for engine in both:
        try:
            rows.append({"name": engine.name, **measure(engine, runs, many, megabytes, tick)})
        except subprocess.CalledProcessError as problem:
            said = problem.stderr.decode(errors="replace").strip().splitlines()
            rows.append({"name": engine.name, "problem": said[-1] if said else str(problem)})
    result: Result = {"rows": rows + missing, "many": many, "mb": megabytes}
    return {**result, **ratios(rows)}


def ratios(rows: Sequence[Result]) -> dict[str, float]:
    """Return our figures in Podman's: "run_ms_ratio" and its like; and what our log has lost."""
    whole = {row["name"]: row for row in rows if "problem" not in row}
    ours, theirs = whole.get("minidocker"), whole.get("podman")
    found = {"lost": ours["lost"]} if ours else {}
    if ours and theirs:
        for key in COLUMNS:
            if theirs[key]:
                found[f"{key}_ratio"] = round(ours[key] / theirs[key], 3)
    return found


def measure(
    engine: Engine, runs: int, many: int, megabytes: int, tick: Callable[[str], None]
) -> Result:
    """Measure one of the two; nothing of it runs before and after."""
    found: Result = {}
    names = [f"one{number}" for number in range(runs)]
    try:
        tick(f"{engine.name} run -d")
        before = set(processes.descendants({os.getpid()}))
        found["run_ms"] = median(engine.start(name, "sleep", LONG) for name in names)
        found["mib"] = round(beside(before) / runs, 2)
        tick(f"{engine.name} exec")
        found["exec_ms"] = median(engine.timed("exec", names[0], "true") for _ in range(runs))
        tick(f"{engine.name} {many} at once")
        more = [f"many{number}" for number in range(many - runs)]
        names += more
        began = time.perf_counter()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda name: engine.start(name, "sleep", LONG), more))
        found["many_s"] = round((time.perf_counter() - began) * many / max(1, len(more)), 2)
        tick(f"{engine.name} ps")
        found["ps_ms"] = median(engine.timed("ps") for _ in range(runs))
        tick(f"{engine.name} logs")
        names.append("chatty")
        found["log_s"], found["lost"] = chat(engine, "chatty", megabytes * 10**6)
    finally:
        tick(f"{engine.name} rm")
        for place in range(0, len(names), 50):
            subprocess.run([*engine.words, "rm", "-f", *names[place : place + 50]],
                           env=engine.env, capture_output=True)  # fmt: skip
    return found


def chat(engine: Engine, name: str, size: int) -> tuple[float, int]:
    """Let a command say so many bytes; return the seconds until all is logged, and what is lost."""
    line = f"busybox yes 0123456789012345678901234567890123456789 | busybox head -c {size}"
    began = time.perf_counter()
    engine.start(name, "sh", "-c", line)
    engine.timed("wait", name)
    return round(time.perf_counter() - began, 2), size - engine.log_bytes(name)


def median(seconds: Iterable[float]) -> float:
    """Return the median, in milliseconds."""
    return float(round(statistics.median(list(seconds)) * 1e3, 1))


def beside(before: set[int]) -> float:
    """Return the MiB of what stands beside the containers now; pages that are shared, by parts.

    All below us but what was there before, and the containers' own commands. PSS: proc_pid_smaps(5)
    """
    kib = 0
    for pid in set(processes.descendants({os.getpid()})) - before:
        try:
            with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as stream:
                if stream.read().strip() in ("sleep", "busybox"):
                    continue
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii", errors="replace") as stream:
                kib += sum(int(line.split()[1]) for line in stream if line.startswith("Pss:"))
        except OSError:
            continue  # it has just ended
    return kib / 1024
