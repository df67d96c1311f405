"""Keep the learner's files in step with a Vagrant machine that has no live share with the host.

    keep start WAY    bring both sides together, and go on doing so in the background
    keep stop WAY     the last time, before the machine halts; then the background one has ended
    keep once WAY     now

WAY is JSON: {"host": …, "port": …, "user": …, "key": …}. Exit status 1: work may not be saved.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from minidocker.errors import MinidockerError
from minidocker.vm import places
from minidocker.vm.hardware import runtime
from minidocker.vm.ssh import Ssh
from minidocker.vm.sync import Far, Sync, program

FOLDER = places.COURSE / ".vagrant"
MEMORY = FOLDER / "sync.json"  # what both sides had last; lives and dies with the machine
LOG = FOLDER / "sync.log"


def main(argv: list[str]) -> int:
    """Run one verb; returns the exit status."""
    if len(argv) != 2 or argv[0] not in ("start", "stop", "once", "watch"):
        print(__doc__, file=sys.stderr)
        return 2
    way = reach(json.loads(argv[1]))
    try:
        if argv[0] == "watch":
            watch(way)
        else:
            end_watcher()
            once(way)
            if argv[0] == "start":
                start_watcher(argv[1])
            else:
                way.close()
    except MinidockerError as problem:
        print(f"minidocker: {problem.message}", file=sys.stderr)
        return 1
    return 0


def reach(facts: dict[str, str]) -> Ssh:
    """Return the way into the machine."""
    tag = hashlib.sha256(f"{places.COURSE} {facts}".encode()).hexdigest()[:12]
    control = runtime() / f"{tag}.ssh"
    return Ssh(facts["host"], int(facts["port"]), Path(facts["key"]), control, facts["user"])


def far(way: Ssh) -> Far:
    """Start the agent in the machine."""
    words = ["sudo", "-n", "/usr/bin/python3", "-I", "-c", program("/minidocker")]
    return Far(way.argv(words, cwd="/"))


def once(way: Ssh) -> None:
    """Bring both sides together; a machine seen for the first time takes what is here."""
    FOLDER.mkdir(exist_ok=True)
    agent = far(way)
    try:
        sync = Sync(places.COURSE, agent, MEMORY, lambda text: print(text, file=sys.stderr))
        if not MEMORY.exists():
            sync.begin()
        sync.once()
    finally:
        agent.close()


def watch(way: Ssh) -> None:
    """Go on until the machine is gone, or we are told to end."""
    agent = far(way)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        Sync(places.COURSE, agent, MEMORY, lambda text: print(text, flush=True)).watch()
    finally:
        agent.close()


def watcher() -> int:
    """Return the process id of this course's background process, or 0."""
    mark = str(places.COURSE / "guest/keep-in-step").encode()
    for entry in os.listdir("/proc") if os.path.isdir("/proc") else ():
        if entry.isdigit() and int(entry) != os.getpid():
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{entry}/cmdline").read_bytes().split(b"\0")
                if mark in words and b"watch" in words:
                    return int(entry)
    return 0


def start_watcher(way: str) -> None:
    """Start the background process."""
    with open(LOG, "ab") as log:
        subprocess.Popen(
            [sys.executable, "-I", places.COURSE / "guest/keep-in-step", "watch", way],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/",
        )  # fmt: skip


def end_watcher() -> None:
    """End the background process, between two files and not within one."""
    deadline = time.monotonic() + 20
    while pid := watcher():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM if time.monotonic() < deadline else signal.SIGKILL)
        time.sleep(0.1)
