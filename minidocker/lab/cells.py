"""What a notebook cell uses to run things beside the Jupyter kernel, never in it.

    sh("uname -r")                          run a command, return what it printed
    start("minidocker run base sleep 60")   run one in the background: a `Background`
    wait_until(lambda: …)                   wait for something to come true
    stream(...)                             run one and show its output while it comes

A Jupyter kernel has a dozen threads, so nothing is forked or unshared in it. What is run
starts as `python -m minidocker.lab.isolated`, which ends all its processes when it is ended, when
the cell is interrupted, or when the kernel dies.
"""

from __future__ import annotations

import atexit
import codecs
import itertools
import os
import select
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import IO

from minidocker.proc import processes

PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MOST_OUTPUT = 1_000_000  # characters: more than that freezes a browser's page
_named: dict[str, Background] = {}  # what `start` has begun with a --name


class CellFailed(Exception):
    """What a cell started did not end as expected; shown as one line, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def sh(command: str, status: int = 0) -> str:
    """Run a line of shell and return what it printed (both streams), without the last newline.

    CellFailed when it ends with another status than the one expected; sh(1p).
    """
    pieces: list[str] = []
    ended = stream(["--sh"], shell_text(command), pieces.append)
    output = "".join(pieces).rstrip("\n")
    if ended != status:
        raise CellFailed(f"{output}\n[{told(ended)}, and not {status}: {command}]".lstrip())
    return output


def stream(options: Sequence[str], source: str, write: Callable[[str], object]) -> int:
    """Run `source` in a fresh process (options of isolated.py), and write its output as it comes.

    Returns the exit status, 128 + n for signal n. KeyboardInterrupt ends every process that was
    started, and then goes on its way as CellFailed.
    """
    process = _supervise([*options], subprocess.PIPE)
    assert process.stdin and process.stdout
    try:
        process.stdin.write(source.encode())
        process.stdin.close()
        _copy(process, process.stdout, write)
        code = process.wait()
        return code if code >= 0 else 128 - code
    except KeyboardInterrupt:
        _end(process)
        raise CellFailed("[interrupted: every process of this cell was ended]") from None
    finally:
        _end(process)
        process.stdout.close()


def wait_until(condition: Callable[[], object], seconds: float = 10) -> None:
    """Wait until `condition()` is true; CellFailed when it is not after `seconds`."""
    limit = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > limit:
            raise CellFailed(f"[not so after {seconds:g} seconds]")
        time.sleep(0.02)


def start(command: str) -> Background:
    """Start a command in the background, and wait until it runs in its own pid namespace.

    "minidocker" is the one of this course. Without a new pid namespace, see `Background(…)`.
    A cell may be run again: what an earlier `start` has begun under the same --name ends first.
    """
    name = _name_in(shlex.split(command))
    if name in _named:
        _named.pop(name).stop()
    made = Background(command)
    if name:
        _named[name] = made
    made.wait_until_contained()
    return made


def _name_in(words: list[str]) -> str:
    """Return what follows --name; "" where nothing does."""
    for word, after in itertools.pairwise([*words, ""]):
        if word == "--name" or word.startswith("--name="):
            return word.partition("=")[2] or after
    return ""


class Background:
    """A command that runs beside the notebook until `stop()`, or until the kernel ends.

    `starter` is the host pid of the command itself (`minidocker`, `unshare`); `pid` is the host
    pid of PID 1 of the pid namespace that it made.
    """

    def __init__(self, command: str) -> None:
        self.command = command
        self.pid = 0
        self._output = tempfile.TemporaryFile()
        self._process = _supervise(["--command", *program(command)], self._output)
        atexit.register(self.stop)
        self.starter = self._first(lambda item: item.ppid == self._process.pid)

    def wait_until_contained(self, seconds: float = 15) -> None:
        """Wait for a descendant in another pid namespace that has become its own program."""
        self.pid = self._first(self._is_contained, seconds)
        while (found := processes.process(self.pid)).inner_pid != 1:
            self.pid = found.ppid  # with --init the command is a child of PID 1

    def output(self) -> str:
        """Return what it has printed so far, both streams."""
        size = os.fstat(self._output.fileno()).st_size
        return os.pread(self._output.fileno(), size, 0).decode("utf-8", "replace")

    def stop(self) -> None:
        """End it with all its processes; more than once is fine.

        The container's PID 1 goes first, so that its starter can tidy up and end by itself.
        """
        if any(item.pid == self.pid for item in self._family()):
            os.kill(self.pid, signal.SIGKILL)
            try:
                self._process.wait(3)
            except subprocess.TimeoutExpired:
                pass
        _end(self._process)
        atexit.unregister(self.stop)

    def __enter__(self) -> Background:
        return self

    def __exit__(self, *problem: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = "ended" if self._process.poll() is not None else f"pid {self.pid or self.starter}"
        return f"<{self.command}: {state}>"

    def _first(self, wanted: Callable[[processes.Process], bool], seconds: float = 15) -> int:
        limit = time.monotonic() + seconds
        while time.monotonic() < limit and self._process.poll() is None:
            for item in self._family():
                if wanted(item):
                    return item.pid
            time.sleep(0.01)
        self.stop()
        what = self.output().strip() or "it printed nothing"
        raise CellFailed(f"[{self.command}: it does not run as expected]\n{what}")

    def _family(self) -> list[processes.Process]:
        try:
            return [item for _, item in processes.tree(self._process.pid)]
        except LookupError:
            return []

    def _is_contained(self, item: processes.Process) -> bool:
        try:
            away = processes.namespace(item.pid, "pid") != processes.namespace("self", "pid")
            # Before its execve a child is still the program that forked it.
            return away and processes.link(item.pid, "exe") != processes.link(item.ppid, "exe")
        except (LookupError, PermissionError):
            return False


def minidocker() -> list[str]:
    """Return the words that start this course's command, with this interpreter."""
    installed = os.path.join(os.path.dirname(sys.executable), "minidocker")
    if os.access(installed, os.X_OK):
        return [installed]
    return [sys.executable, "-m", "minidocker"]


def program(command: str) -> list[str]:
    """Split a command line into words; the first becomes the path of a program."""
    words = shlex.split(command)
    if words[:1] == ["minidocker"]:
        return [*minidocker(), *words[1:]]
    found = shutil.which(words[0]) if words else None
    if not found:
        raise CellFailed(f"there is no program {command.split(' ')[0]!r} on this machine")
    return [found, *words[1:]]


def shell_text(text: str) -> str:
    """Return shell text in which `minidocker` is the one of this course; lines keep their numbers.

    Where it is installed beside this Python, PATH finds it (`environment`), and the text stays.
    """
    words = minidocker()
    return text if len(words) == 1 else f'minidocker() {{ {shlex.join(words)} "$@"; }}; {text}'


def told(status: int) -> str:
    """Say an exit status: "exit status 1", or "ended by SIGKILL" for 137."""
    try:
        return f"exit status {status}, ended by {signal.Signals(status - 128).name}"
    except ValueError:
        return f"exit status {status}"


def _supervise(words: list[str], output: int | IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "minidocker.lab.isolated", *words],
        stdin=subprocess.PIPE if output == subprocess.PIPE else subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env=environment(),
    )


def environment() -> dict[str, str]:
    """Return the environment of what a cell starts: this course's package and command first."""
    told = os.environ
    paths = os.pathsep.join(filter(None, (PACKAGE, told.get("PYTHONPATH"))))
    programs = os.pathsep.join((os.path.dirname(sys.executable), told.get("PATH", os.defpath)))
    return {**told, "PYTHONPATH": paths, "PATH": programs, "PYTHONUNBUFFERED": "1"}


def _copy(
    process: subprocess.Popen[bytes], source: IO[bytes], write: Callable[[str], object]
) -> None:
    """Copy output until nobody can write any more, or the process has ended and all is read."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    size = 0
    while True:
        ended = process.poll() is not None
        ready, _, _ = select.select([source], [], [], 0 if ended else 0.1)
        if ready and not ended:
            time.sleep(0.02)  # one message for many small writes: each costs the browser some work
        data = os.read(source.fileno(), 65536) if ready else b""
        if ready or ended:
            text = decoder.decode(data, final=not data)
            if text:
                write(text)
            if not data:
                return
            size += len(text)
        if size > MOST_OUTPUT:
            write(f"\n[more than {MOST_OUTPUT} characters of output: this cell was ended]\n")
            _end(process)
            return


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a supervisor: asked first, since it ends its descendants; then by force."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
