"""Run programs: a line a step on the screen, their words in a log, trouble in a sentence."""

from __future__ import annotations

import contextlib
import os
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Trouble(Exception):
    """Set-up cannot go on: what happened, and what to do about it."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


class Screen:
    """One line a step: its name, what is going on, and the seconds it took."""

    def __init__(self, steps: int) -> None:
        self.steps, self.step, self.name = steps, 0, ""
        self.live = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self.began = self.spoke = time.monotonic()

    def begin(self, name: str) -> None:
        """Start a step; its line is finished by `end`."""
        self.step += 1
        self.name = name
        self.began = self.spoke = time.monotonic()

    def seconds(self) -> float:
        """Return the seconds since the step began."""
        return time.monotonic() - self.began

    def head(self) -> str:
        """Return the left part of the step's line."""
        return f"[{self.step}/{self.steps}] {self.name:<20} "

    def tick(self, word: str) -> None:
        """Show what goes on: in place on a terminal, every 15 seconds elsewhere."""
        if self.live:
            room = max(10, shutil.get_terminal_size().columns - len(self.head()) - 10)
            text = f"{self.seconds():5.0f} s  {word[:room]}"
            print(f"\r\033[K{self.head()}{text}", end="", flush=True)
        elif time.monotonic() - self.spoke > 15:
            self.spoke = time.monotonic()
            print(f"{self.head()}… {self.seconds():.0f} s  {word[:60]}", flush=True)

    def end(self, result: str) -> None:
        """Finish the step's line with what came of it."""
        if self.live:
            print("\r\033[K", end="")
        took = f"  ({self.seconds():.1f} s)" if self.seconds() >= 0.5 else ""
        print(f"{self.head()}{result}{took}", flush=True)


TELLING = re.compile(r"^(Collecting|Downloading|Installing|Building|Get:|Unpacking|Setting up|I: )")


def run(argv: Sequence[str], screen: Screen, log: str, env: dict[str, str] | None = None) -> int:
    """Run argv with its output in the log and its last telling line on the screen.

    The program gets a session of its own, so that Ctrl-C reaches only us and we
    choose how to end it. Returns its exit status.
    """
    with open(log, "a", encoding="utf-8", errors="replace") as out:
        out.write(f"\n$ {shlex.join(argv)}\n")
        out.flush()
        process = subprocess.Popen(
            argv,
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            for line in lines_of(process, screen):
                out.write(line)
            return process.wait()
        except BaseException:
            stop(process)
            raise


def lines_of(process: subprocess.Popen[str], screen: Screen) -> Iterator[str]:
    """Yield the program's lines, and keep the screen's clock going between them."""
    word, stream = "", process.stdout
    assert stream is not None
    while True:
        ready, _, _ = select.select([stream], [], [], 1.0)
        screen.tick(word)
        if not ready:
            continue
        line = stream.readline()
        if not line:
            return
        if TELLING.match(line):
            word = line.strip()
        yield line


def stop(process: subprocess.Popen[str]) -> None:
    """End a program that the user no longer wants, and all that it started."""
    for signum, patience in ((signal.SIGINT, 10.0), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, signum)
            process.wait(patience)
            return


def must(argv: Sequence[str], screen: Screen, log: str, what: str, remedy: str, **env: str) -> None:
    """Run argv; when it fails, show the end of the log and what to do."""
    if run(argv, screen, log, env):
        screen.end("failed")
        with open(log, encoding="utf-8", errors="replace") as text:
            tail = text.read().splitlines()[-15:]
        print("\n".join("    " + line for line in tail))
        raise Trouble(f"{what} failed; the whole log is in {log}", remedy)


def ask(argv: Sequence[str]) -> str:
    """Return what argv prints, or "" if it fails or is not there."""
    try:
        done = subprocess.run(
            argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
