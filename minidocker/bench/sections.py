"""What is measured: one function for each section of the report, each returning plain data."""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from minidocker.bench import rivals
from minidocker.bench.beside import beside
from minidocker.bench.building import building
from minidocker.bench.class_of import classes
from minidocker.bench.clock import Clock, Program, Sample, summary
from minidocker.bench.detached import detached
from minidocker.bench.instructions import instructions
from minidocker.bench.oci import oci
from minidocker.bench.own_files import pack
from minidocker.bench.rivals import ROOT, Rivals
from minidocker.bench.travel import travelling
from minidocker.errors import MinidockerError

Result = dict[str, Any]
TIMED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "timed.py")


class Bench:
    """What the sections share: the clock, the work directory, the rivals, how often to run."""

    def __init__(self, work: str, runs: int, quick: bool, tick: Callable[[str], None]) -> None:
        self.work = work
        self.runs = runs
        self.quick = quick
        self.tick = tick
        self.clock = Clock(os.path.join(work, "stderr"))
        self.rivals = Rivals(work, rivals.root_directory(os.path.join(work, "rootfs")))
        self.env = {"MINIDOCKER_ROOT": os.path.join(work, "store")}


def rows(programs: Sequence[Program], samples: dict[str, list[Sample]]) -> list[Result]:
    """Return one row for each program: its medians and its ratio to the first, or its problem."""
    table: list[Result] = []
    for program in programs:
        row: Result = {"name": program.name, "version": program.version}
        if program.problem:
            row["problem"] = program.problem
        else:
            row |= summary(samples[program.name])
            row["ratio"] = round(
                row["wall_ms"] / (table[0]["wall_ms"] if table else row["wall_ms"]), 2
            )
        table.append(row)
        if "problem" in table[0]:
            raise MinidockerError(f"bench: minidocker run failed: {table[0]['problem']}")
    return table


def start(bench: Bench) -> Result:
    """Start to exit of `true`: same root directory, same six namespaces."""
    programs = bench.rivals.all(["/bin/true"])
    samples = bench.clock.interleaved(programs, bench.runs, bench.tick)
    return {"rows": rows(programs, samples)}


# ---------------------------------------------------------------- what runc spends on cgroups


READ_ONLY = (
    "for m in $(awk '$5 ~ \"^/sys/fs/cgroup\" {print $5}' /proc/self/mountinfo | sort -r); "
    'do mount -o remount,bind,ro "$m" || exit 1; done; '
)


def cgroups(bench: Bench) -> Result:
    """What cgroups cost runc: it runs where their tree is read-only, and where it is not.

    Both runs happen in private copies of the mount table. With --rootless runc goes on without
    cgroups when it cannot make them; the difference of the medians is what they cost.
    """
    runc = bench.rivals.oci("runc", ["/bin/true"])
    if runc.problem:
        return {"problem": runc.problem}
    with Holder(bench, "") as plain, Holder(bench, READ_ONLY) as readonly:
        programs = [
            inside(runc, "with", plain), inside(runc, "without", readonly, "--rootless=true")
        ]  # fmt: skip
        samples = bench.clock.interleaved(programs, bench.runs, bench.tick)
    for program in programs:
        if program.problem:
            return {"problem": f"cannot be told here: {program.problem}"}
    both = {name: summary(samples[name])["wall_ms"] for name in samples}
    return {"with_ms": both["with"], "without_ms": both["without"],
            "cgroups_ms": round(both["with"] - both["without"], 2)}  # fmt: skip


def inside(program: Program, name: str, holder: Holder, *options: str) -> Program:
    """Return the program run in a holder's mount namespace, with options after its own name."""

    def argv(number: int) -> list[str]:
        path, *rest = program.argv(number)
        # A container id of its own: the two programs take turns.
        return ["nsenter", f"--mount=/proc/{holder.pid}/ns/mnt", path, *options, *rest[:-1],
                f"{rest[-1]}-{name}"]  # fmt: skip

    return Program(name, argv)


class Holder:
    """A process that keeps private namespaces (mount, and others), prepared by a shell script."""

    def __init__(self, bench: Bench, script: str, *others: str) -> None:
        self.clock = bench.clock
        self.argv = ["unshare", "--mount", *others, "--propagation", "private", "sh", "-c",
                     f"{script} echo ready; exec sleep 3600"]  # fmt: skip

    def __enter__(self) -> Holder:
        self.process = subprocess.Popen(self.argv, stdout=subprocess.PIPE, text=True)
        self.pid = self.process.pid
        self.clock.others.add(self.pid)
        assert self.process.stdout
        self.process.stdout.readline()
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self.clock.others.discard(self.pid)


# ---------------------------------------------------------------- networks


def network(bench: Bench) -> Result:
    """What a network costs a run: none, a bridge that is made and removed, one that stands.

    It happens in a network namespace of the bench's own: no bridge appears on this machine.
    """
    with Holder(bench, "ip link set lo up;", "--net") as holder:
        spaces = f"/proc/{holder.pid}/ns"
        enter = ["nsenter", f"--mount={spaces}/mnt", f"--net={spaces}/net"]

        def ours(name: str, *options: str, command: str = "/bin/true") -> Program:
            argv = [*enter, *bench.rivals.ours(command.split(), *options).argv(0)]
            return Program(name, lambda _: argv, bench.env)

        subprocess.run([*enter, *rivals.entry(), "network", "create", "stands"], check=True,
                       capture_output=True, env={**os.environ, **bench.env})  # fmt: skip
        member = ours("", "--network", "stands", command="/bin/sleep 3600")
        pid = bench.clock.spawn(member.argv(0), bench.env)
        bench.clock.others.add(pid)
        try:
            up = os.path.join(bench.env["MINIDOCKER_ROOT"], "networks", "stands", "up")
            end = time.monotonic() + 20
            while not os.path.exists(up) and time.monotonic() < end:
                time.sleep(0.02)
            programs = [
                ours("--network none", "--network", "none"),
                ours("a bridge that stands", "--network", "stands"),
                ours("a new one: the default", "--network", "bridge"),
                ours("and -p 8080:80", "-p", "8080:80"),
            ]
            samples = bench.clock.interleaved(programs, bench.runs, bench.tick)
        finally:
            os.kill(pid, signal.SIGKILL)  # its bridge ends with the holder's network
            bench.clock.others.discard(pid)
            bench.clock.reap()
    return {"rows": rows(programs, samples)}


# ---------------------------------------------------------------- many containers


def sequence(bench: Bench) -> Result:
    """Fifty runs, one after the other; the whole time of each program."""
    count = 5 if bench.quick else 50
    programs = bench.rivals.all(["/bin/true"])
    samples = bench.clock.interleaved(programs, count, bench.tick)
    table = rows(programs, samples)
    for row in table:
        if "problem" not in row:
            row["seconds"] = round(sum(sample.wall for sample in samples[row["name"]]), 3)
    return {"count": count, "rows": table}


def parallel(bench: Bench) -> Result:
    """Twenty runs started at once, until the last one ends; the median of three tries."""
    count = 4 if bench.quick else 20
    table: list[Result] = []
    for program in bench.rivals.all(["/bin/true"]):
        row: Result = {"name": program.name}
        table.append(row)
        sample = None if program.problem else bench.clock.measure(program.argv(-1), program.env)
        if sample is None or sample.status:
            row["problem"] = program.problem or (sample.error if sample else "")
            continue
        walls = []
        for _ in range(1 if bench.quick else 3):
            bench.tick(program.name)
            walls.append(bench.clock.together(program, count))
        if min(walls) < 0:
            row["problem"] = f"not all of {count} at once succeeded: {bench.clock.last_error()}"
            continue
        row["seconds"] = round(statistics.median(walls), 3)
        row["ratio"] = round(row["seconds"] / table[0].get("seconds", row["seconds"]), 2)
    return {"count": count, "rows": table}


# ---------------------------------------------------------------- memory


def memory(bench: Bench) -> Result:
    """The peak resident memory (VmHWM, proc(5)) of what stands beside a running command."""
    table = []
    for program in bench.rivals.all(["/bin/sleep", "600"]):
        bench.tick(program.name)
        row: Result = {"name": program.name}
        table.append(row)
        if program.problem:
            row["problem"] = program.problem
            continue
        found = beside(bench.clock, program)
        if found:
            row["processes"] = found
            row["kib"] = sum(found.values())
        else:
            row["problem"] = bench.clock.last_error() or "the command did not start"
    return {"rows": table}


# ---------------------------------------------------------------- our own start, in steps


def stages(bench: Bench) -> Result:
    """Where the time of our own start goes: the median share of each step of one run."""
    log = os.path.join(bench.work, "steps")
    argv = [interpreter(), "-I", "-S", TIMED, log, rivals.entry()[0], "run", "--rm",
            "--network", "none", "--rootfs", bench.rivals.rootfs, "/bin/true"]  # fmt: skip
    shares: dict[str, list[float]] = {}
    for number in range(bench.runs + 1):
        bench.tick("our own start")
        open(log, "w").close()
        began = time.perf_counter_ns()
        sample = bench.clock.measure(argv, bench.env)
        if sample.status:
            return {"problem": sample.error}
        with open(log, encoding="ascii") as text:
            notes = sorted((int(line.split(" ", 1)[0]), line.split(" ", 1)[1]) for line in text)
        notes.append((began + int(sample.wall * 1e9), "exit"))
        for nanoseconds, step in notes if number else ():
            shares.setdefault(step.strip(), []).append((nanoseconds - began) / 1e6)
            began = nanoseconds
    table = [{"name": step, "ms": round(statistics.median(ms), 2)} for step, ms in shares.items()]
    return {"rows": table}


def interpreter() -> str:
    """Return the interpreter that the installed entry point names in its first line."""
    try:
        with open(rivals.entry()[0], encoding="utf-8", errors="replace") as text:
            first = text.readline().strip()
    except OSError:
        first = ""
    return first[2:].split()[0] if first.startswith("#!") else sys.executable


# ---------------------------------------------------------------- images


def importing(bench: Bench) -> Result:
    """`image import` of a root file system, against `tar -x` and `sha256sum` of the same file."""
    size = (40 if bench.quick else 350) << 20
    free = shutil.disk_usage(bench.work).free
    if free < 4 * size:
        return {"problem": f"needs {4 * size >> 20} MB free in {bench.work}, {free >> 20} are"}
    tar = os.path.join(bench.work, "root.tar")
    bench.tick("making a root file system of this machine's own files")
    files = pack(tar, size)
    megabytes = os.path.getsize(tar) >> 20
    found: dict[str, list[Sample]] = {"import": [], "tar": [], "sha256sum": []}
    for number in range(1 if bench.quick else 3):
        folder = os.path.join(bench.work, "unpacked")
        store = os.path.join(bench.work, f"store-{number}")
        steps = {
            "import": [*rivals.entry(), "image", "import", "bench", tar],
            "tar": ["tar", "-x", "-p", "-C", folder, "-f", tar],
            "sha256sum": ["sha256sum", tar],
        }
        os.makedirs(folder)
        for name, argv in steps.items():
            bench.tick(name)
            os.sync()  # what earlier steps wrote must not be paid by this one
            sample = bench.clock.measure(argv, {"MINIDOCKER_ROOT": store})
            if sample.status:
                return {"problem": f"{name}: {sample.error}"}
            found[name].append(sample)
        shutil.rmtree(folder)
        shutil.rmtree(store, ignore_errors=True)
    os.unlink(tar)
    seconds = {
        name: round(statistics.median(s.wall for s in runs), 2) for name, runs in found.items()
    }
    ratio = seconds["import"] / (seconds["tar"] + seconds["sha256sum"])
    return {"files": files, "mb": megabytes, **seconds, "ratio": round(ratio, 2)}


def images(bench: Bench) -> Result:
    """Pull and push of an image of 350 MB, of many layers and of one; a Dockerfile's build."""
    builds = building(bench.work, bench.clock, 1 if bench.quick else 3, bench.tick)
    return {**builds, **travelling(bench.work, bench.clock, bench.quick, bench.tick)}


def grade(bench: Bench) -> Result:
    """The verdict on lesson 01: the grader over the course's own solution."""
    solutions = os.path.join(ROOT, "solutions")
    if not os.path.isdir(solutions):
        return {"problem": "the course's solutions are not beside this installation"}
    samples = []
    for _ in range(1 if bench.quick else 3):
        bench.tick("grade 01")
        argv = [*rivals.entry(), "grade", "01", "--from", solutions]
        samples.append(bench.clock.measure(argv, {}))
    statuses = {sample.status for sample in samples}
    if not statuses <= {0, 3}:
        return {"problem": f"grade exited with {max(statuses)}: {samples[-1].error}"}
    return {"seconds": round(statistics.median(sample.wall for sample in samples), 2)}


SECTIONS: dict[str, Callable[[Bench], Result]] = {
    "start": start,
    "instructions": lambda bench: instructions(bench.work),
    "cgroups": cgroups,
    "network": network,
    "sequence": sequence,
    "parallel": parallel,
    "oci": lambda bench: oci(bench.work, bench.rivals, bench.clock, bench.runs, bench.tick),
    "engine": lambda bench: detached(
        bench.work, bench.rivals, bench.runs, bench.quick, bench.tick
    ),
    "memory": memory,
    "stages": stages,
    "import": importing,
    "images": images,
    "grade": grade,
    "class": lambda bench: classes(bench.work, bench.clock, bench.quick, bench.tick),
}
