"""RUN: a command of a Dockerfile is a run like any other, `minidocker run`, with its walls.

    layers of the stage ─► minidocker run --layer … COMMAND ─► its upper directory ─► a layer
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from minidocker.errors import Conflict, NotFound
from minidocker.kernel.flags import PR_SET_PDEATHSIG
from minidocker.kernel.linux import Linux
from minidocker.runtime import reading, state
from minidocker.stages import STAGES

PATIENCE = 1.0  # seconds from SIGTERM to SIGKILL
LONGEST, STEP = 20.0, 0.02  # seconds to wait for a killed container's end, and between two looks
PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# -I: neither the directory that we are in nor a variable says what Python loads.
START = "import sys; sys.path.insert(0, {!r}); from minidocker.cli import main; sys.exit(main(sys.argv[1:]))"  # noqa: E501


class Container:
    """One container of a build, by its name: run to its end, and removed in any case."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.name = f"build-{os.urandom(6).hex()}"

    def __enter__(self) -> Container:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(NotFound):
            record, end = self.record(), time.monotonic() + LONGEST
            # A run that was killed takes its container along, whose end the kernel may be at still.
            while not state.clean_up(record, STAGES, Linux(), volumes=True):
                if time.monotonic() > end or not os.path.isdir(record["directory"]):
                    break
                time.sleep(STEP)

    def record(self) -> dict[str, Any]:
        """Return its record; NotFound where it never came to be."""
        return reading.find(self.root, self.name)

    def run(
        self, options: Sequence[str], command: Sequence[str], hear: Callable[[bytes], None],
        environment: dict[str, str],
    ) -> int:  # fmt: skip
        """Run a command; `hear` gets each line that it prints. Return its exit status.

        `environment` is what `-e NAME` takes. Whatever ends the waiting, an error or Ctrl-C, ends
        the container.
        """
        argv = [sys.executable, "-I", "-S", "-B", "-c", START.format(PACKAGE), "run"]
        parent = os.getpid()
        # A signal between the fork and our knowing of it would leave a process that nobody ends.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
        process = None
        try:
            process = subprocess.Popen(
                [*argv, "--name", self.name, *options, "--", *command],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                env={**os.environ, **environment, "MINIDOCKER_ROOT": self.root},
                preexec_fn=lambda: die_with(parent, mask), start_new_session=True,
            )  # fmt: skip
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            assert process.stdout
            for line in lines_of(process.stdout.fileno()):
                hear(line)
            return process.wait()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            if process and process.stdout:
                end(process)
                process.stdout.close()

    @contextlib.contextmanager
    def held(self) -> Iterator[dict[str, Any]]:
        """Hold the container that has ended, so that no prune takes it; yield its record."""
        try:
            record = self.record()
            lock = state.try_lock(record["directory"])
        except (NotFound, FileNotFoundError):
            lock = None
        if lock is None:
            why = "somebody removed the container of this step before its files were taken"
            raise Conflict(why, "build it again, and prune afterwards")
        try:
            yield record
        finally:
            os.close(lock)


def die_with(parent: int, mask: Iterable[int]) -> None:
    """Die when the build dies, even by SIGKILL; the container dies with us. prctl(2)"""
    Linux().prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(125)  # it died before we asked
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a run that has not ended: politely, then by force."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def lines_of(fd: int) -> Iterator[bytes]:
    """Yield each line as it comes; one without an end after a moment's silence, or at the end."""
    kept = b""
    while True:
        ready, _, _ = select.select([fd], [], [], 1.0 if kept else None)
        data = os.read(fd, 1 << 16) if ready else b""
        if ready and not data:
            break
        *whole, kept = (kept + data).split(b"\n")
        yield from whole
        if kept and (not ready or len(kept) > 1 << 16):
            yield kept
            kept = b""
    if kept:
        yield kept
