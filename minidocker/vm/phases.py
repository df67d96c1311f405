"""Running long things: one line a phase with its seconds, the output in a log, clean when ended."""

from __future__ import annotations

import contextlib
import os
import select
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from minidocker.errors import MinidockerError


class Phases:
    """Tell a long piece of work: `with phases("disk"):` prints its name and then its time."""

    def __init__(self, log: Path | None = None) -> None:
        self.log = log
        self.live = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self.begun = time.monotonic()
        self.took: dict[str, float] = {}
        self._name, self._start, self._spoken, self._result = "", 0.0, 0.0, ""

    @contextlib.contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Time a phase; its line ends with what `result` was told, or with "failed"."""
        self._name, self._result = name, ""
        self._start = self._spoken = time.monotonic()
        self.tick("")
        try:
            yield
        except BaseException:
            self._end("stopped" if isinstance(sys.exception(), KeyboardInterrupt) else "failed")
            raise
        self._end(self._result or "done")

    def result(self, text: str) -> None:
        """Say what came of the phase."""
        self._result = text

    def tick(self, word: str) -> None:
        """Show what goes on: in place on a terminal, every 15 seconds elsewhere."""
        now = time.monotonic()
        if self.live:
            room = max(10, shutil.get_terminal_size().columns - 34)
            line = f"\r\033[K{self._name:<22} {now - self._start:5.0f} s  {word[:room]}"
            print(line, end="", file=sys.stderr, flush=True)
        elif now - self._spoken > 15:
            self._spoken = now
            print(f"{self._name:<22} … {now - self._start:.0f} s  {word[:60]}", file=sys.stderr)

    def _end(self, result: str) -> None:
        seconds = self.took[self._name] = time.monotonic() - self._start
        clear = "\r\033[K" if self.live else ""
        print(f"{clear}{self._name:<22} {seconds:5.1f} s  {result}", file=sys.stderr, flush=True)

    def total(self) -> float:
        """Return the seconds since the first phase could begin."""
        return time.monotonic() - self.begun

    def run(
        self, argv: Sequence[str | Path], remedy: str = "", *, env: Mapping[str, str] | None = None,
        telling: Callable[[str], bool] = bool,
    ) -> str:  # fmt: skip
        """Run a program, output to the log and its telling lines to the screen; return the output.

        It gets a session of its own: Ctrl-C reaches us alone, and we end it and wait for it. So do
        we when we are asked to end, or the terminal is closed.
        Raises MinidockerError with the last line of its output when it fails.
        """
        words = [str(word) for word in argv]
        lines: list[str] = []
        try:
            process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                start_new_session=True, env={**os.environ, **(env or {})},
            )  # fmt: skip
        except FileNotFoundError:
            raise MinidockerError(f"the program {words[0]} is not installed", remedy) from None
        try:
            with ends_by_exception():
                for line in self._lines(process):
                    lines.append(line)
                    if telling(line):
                        self.tick(line)
                status = process.wait()
        except BaseException:
            stop(process)
            raise
        finally:
            self._write(words, lines)
        if status:
            where = f"; the whole log is in {self.log}" if self.log else ""
            raise MinidockerError(f"{words[0]} failed: {blame(lines)}{where}", remedy)
        return "\n".join(lines)

    def _lines(self, process: subprocess.Popen[bytes]) -> Iterator[str]:
        """Yield the program's lines as they come; keep the clock going in between."""
        assert process.stdout is not None
        rest, word = b"", ""
        while True:
            if not select.select([process.stdout], [], [], 1.0)[0]:
                self.tick(word)
                continue
            piece = os.read(process.stdout.fileno(), 65536)
            *whole, rest = (rest + piece).split(b"\n")
            for line in whole if piece else [rest]:
                word = line.decode(errors="replace").rstrip()
                yield word
            if not piece:
                return

    def _write(self, words: Sequence[str], lines: Sequence[str]) -> None:
        if self.log:
            with open(self.log, "a", encoding="utf-8") as out:
                out.write("\n".join([f"$ {shlex.join(words)}", *lines, ""]))


@contextlib.contextmanager
def ends_by_exception() -> Iterator[None]:
    """Let SIGTERM and SIGHUP raise SystemExit, as SIGINT raises KeyboardInterrupt."""

    def ends(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    mine = threading.current_thread() is threading.main_thread()  # no other may say it
    asked = [signal.SIGTERM, signal.SIGHUP] if mine else []
    plain = [number for number in asked if signal.getsignal(number) == signal.SIG_DFL]
    for number in plain:
        signal.signal(number, ends)
    try:
        yield
    finally:
        for number in plain:
            signal.signal(number, signal.SIG_DFL)


def blame(lines: Sequence[str]) -> str:
    """Pick what tells most from a failed program's output.

    Debian's tools say "E: …" where they stop, often just after the words of what failed below them.
    """
    said = [line.strip() for line in lines if line.strip()]
    for number, line in enumerate(said):
        if line.startswith("E: "):
            return " / ".join(said[max(0, number - 1) : number + 1])
    return said[-1] if said else "it said nothing"


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a program and all that it started: ask first, then insist."""
    for number, patience in ((signal.SIGINT, 20.0), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, number)
            process.wait(patience)
            return
