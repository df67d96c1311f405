"""minidocker bench: our times beside those of runc, crun and Podman, measured in one run."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any, NoReturn

from minidocker.bench import report
from minidocker.bench.rivals import find
from minidocker.bench.sections import SECTIONS, Bench
from minidocker.chamber import cgroups
from minidocker.errors import Blocked, UsageError
from minidocker.kernel.flags import PR_SET_CHILD_SUBREAPER
from minidocker.proc import mounts, processes

EPILOG = f"""\
sections: {" ".join(SECTIONS)}

examples:
  minidocker bench                       everything: a quarter of an hour
  minidocker bench --quick               the same with fewer runs, less to trust
  minidocker bench --only start,stages   two sections
  minidocker bench --only class          a made-up class: some minutes, only when it is named
  minidocker bench --json > bench.json   for a program

The figures are of this machine, now: run it while nothing else is running.
The others come from Debian's packages: apt-get install runc crun podman
"""


LONG = ("class",)
"""Sections that are measured only when they are named."""
PREFIX = "minidocker-bench-"
JUST_MADE = 60  # seconds in which a new directory may not have its lock yet


def main(argv: list[str]) -> int:
    """Measure, and print tables, or JSON with --json. Exit status 0, or 130 after Ctrl-C."""
    options = parse(argv)
    if os.geteuid() or sys.platform != "linux":
        raise Blocked(
            "bench starts real containers, so it needs Linux and root", "sudo minidocker bench"
        )
    if not find("busybox"):
        raise Blocked("bench needs a static busybox", "apt-get install busybox-static")
    try:
        print(measure(options), end="")
    except KeyboardInterrupt:
        print("\nminidocker: bench stopped; all that it started is gone", file=sys.stderr)
        return 130
    return 0


def parse(argv: list[str]) -> argparse.Namespace:
    """Read the command line; a section that does not exist raises UsageError."""
    parser = argparse.ArgumentParser(
        prog="minidocker bench", description=__doc__, epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--runs", type=int, help="runs of each program (20)")
    parser.add_argument(
        "--only", default=",".join(name for name in SECTIONS if name not in LONG),
        metavar="SECTIONS", help="some sections",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--quick", action="store_true", help="fewer runs, a smaller image")
    options = parser.parse_args(argv)
    options.only = options.only.split(",")
    for name in options.only:
        if name not in SECTIONS:
            raise UsageError(f"bench has no section {name!r}", f"one of {', '.join(SECTIONS)}")
    if options.runs is None:
        options.runs = 5 if options.quick else 20
    if options.runs < 1:
        raise UsageError("--runs wants a number from 1", "--runs 20")
    return options


def measure(options: argparse.Namespace) -> str:
    """Run the sections asked for, print each as it is done; return what is left to print."""
    facts = report.machine()
    progress = report.Progress(len(options.only))
    found: dict[str, dict[str, Any]] = {}
    if not options.json:
        print(report.heading(facts, options.runs), end="")
    with workplace() as work:
        bench = Bench(work, options.runs, options.quick, progress.tick)
        try:
            for name in options.only:
                progress.begin(name)
                found[name] = SECTIONS[name](bench)
                progress.end()
                if not options.json:
                    print(report.told(name, found[name]), flush=True)
        finally:
            progress.clear()
    verdicts = report.targets(found)
    if not options.json:
        return report.tell_targets(verdicts) + "\n"
    whole = {"version": 1, "machine": facts, "runs": options.runs, "sections": found,
             "targets": verdicts}  # fmt: skip
    return json.dumps(whole, indent=2) + "\n"


@contextlib.contextmanager
def workplace() -> Iterator[str]:
    """Yield a directory for everything that the bench makes, and leave nothing of it behind."""
    from minidocker.kernel.linux import Linux

    # What a runtime leaves running becomes our child, to be waited for or ended.
    Linux().prctl(PR_SET_CHILD_SUBREAPER, 1)
    # Not /tmp: that is memory on many machines, and overlay stands badly on it.
    folder = os.environ.get("TMPDIR", "/var/tmp")
    for left in left_behind(folder):
        forget_work(left)
    work = tempfile.mkdtemp(prefix=PREFIX, dir=folder)
    lock = os.open(work, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, interrupted) for number in signals]
    try:
        yield work
    finally:
        for number in signals:
            signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not stop this
        end_children()
        forget_work(work)
        os.close(lock)
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)


def interrupted(number: int, _: object) -> NoReturn:
    """End by a signal, after all has been cleaned up."""
    raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)


def left_behind(folder: str) -> Iterator[str]:
    """Yield the directories of benches that were killed: ours, not of now, held by nobody."""
    for path in glob.glob(f"{glob.escape(folder)}/{PREFIX}*"):
        try:
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            continue  # no directory, or not ours to open
        try:
            found = os.fstat(fd)
            if found.st_uid == os.geteuid() and time.time() - found.st_ctime > JUST_MADE:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield path
        except BlockingIOError:
            pass  # its bench is running
        finally:
            os.close(fd)


def end_children() -> None:
    """End what is still running."""
    for pid in set(processes.descendants({os.getpid()})) - {os.getpid()}:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


def forget_work(work: str) -> None:
    """Delete what the runtimes know, unmount, remove."""
    for name in ("runc", "crun"):
        forget(name, os.path.join(work, f"{name}-state"))
    for point in sorted(mounts_below(work), reverse=True):
        subprocess.run(["umount", "--lazy", point], stderr=subprocess.DEVNULL)
    for group in cgroups_of_podman(work):
        cgroups.remove(group)
        # Where no tree is mounted, conmon makes plain directories, with plain files.
        shutil.rmtree(group, ignore_errors=True)
    shutil.rmtree(work, ignore_errors=True)


def cgroups_of_podman(work: str) -> list[str]:
    """Return the parents that we name for Podman, which leaves them with what is below."""
    name = os.path.basename(work)
    parents = [f"/sys/fs/cgroup/{name}", *glob.glob(f"/sys/fs/cgroup/*/{name}")]
    return [parent for parent in parents if os.path.isdir(parent)]


def forget(name: str, state: str) -> None:
    """Delete the containers that runc or crun has in its state directory, cgroups included."""
    for container in os.listdir(state) if os.path.isdir(state) else ():
        subprocess.run([find(name), "--root", state, "delete", "--force", container],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip


def mounts_below(folder: str) -> list[str]:
    """Return the mount points below a folder."""
    return [one.point for one in mounts.mounts() if one.point.startswith(folder + "/")]
