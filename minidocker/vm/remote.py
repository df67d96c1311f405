"""`minidocker run --on vm …`, `minidocker grade --on vm …`: the same commands, in the lab machine.

    --on vm        the machine of `minidocker vm`; brought up when it is down
    --on vagrant   the machine of `vagrant up`
    --fresh        (vm) put it back to its pristine state first

Other people's submissions (`grade --from DIR…`) get a machine of their own, pristine for each
directory, to which nothing of this host is connected. What comes back is not trusted.
"""

from __future__ import annotations

import io
import json
import os
import select
import subprocess
import sys
import tarfile
import time
import unicodedata
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from minidocker.errors import MinidockerError, NotFound, UsageError
from minidocker.vm import places, sync_watch
from minidocker.vm.machine import Machine
from minidocker.vm.ssh import Ssh

THERE = "/run/submission"
LARGEST = 1 << 20  # bytes of one submitted file, and of a report
PATIENCE = 1800.0  # seconds for one submission


@dataclass
class Wish:
    """What was asked for: the machine, and the words that are left for the command in it."""

    on: str
    words: list[str]
    fresh: bool = False
    report: str = ""  # grade --json

    def __post_init__(self) -> None:
        if self.on not in ("vm", "vagrant"):
            raise UsageError(f"--on {self.on} names no machine", "--on vm, or --on vagrant")
        if self.fresh and self.on == "vagrant":
            raise UsageError("--fresh needs the machine of `minidocker vm`", "--on vm --fresh")


def run(on: str, fresh: bool, argv: Sequence[str], words: Sequence[str]) -> int:
    """`minidocker run --on …`; `argv` is the whole line, `words` what follows its options."""
    options = list(argv[: len(argv) - len(words)])
    kept: list[str] = []
    while options:
        word = options.pop(0)
        if word == "--on":
            options.pop(0)
        elif not word.startswith("--on=") and word not in ("--fresh", "--fresh=true"):
            kept.append(word)
    return in_machine("run", Wish(on, [*kept, *words], fresh))


def grade(options: Namespace) -> int:
    """`minidocker grade --on …`: the learner's own files, or somebody's with --from."""
    wish = wish_of(options)
    if not options.directory:
        return in_machine("grade", wish)
    return submission(wish, Path(options.directory[0]))


def wish_of(options: Namespace) -> Wish:
    """Return what `minidocker grade` was asked for; other people's files need a machine of ours."""
    wish = Wish(options.on, list(options.lesson), options.fresh, options.json or "")
    if options.directory and wish.on != "vm":
        raise UsageError("--from needs a machine that can be restored", "--on vm --from DIR")
    return wish


def in_machine(verb: str, wish: Wish) -> int:
    """Run `minidocker VERB …` in a machine; returns its exit status."""
    if wish.on == "vagrant":
        return in_vagrant(verb, wish)
    machine = Machine()
    way = machine.restore() if wish.fresh else machine.up()
    status = pass_through(way, ["minidocker", verb, *wish.words, *_report(wish)], wish)
    machine.synchronise()
    return status


def _report(wish: Wish) -> list[str]:
    return ["--json", "-"] if wish.report else []


def pass_through(way: Ssh, words: Sequence[str], wish: Wish) -> int:
    """Run a command with our own streams; a report goes to the file that was named."""
    if wish.report and wish.report != "-":
        done = subprocess.run(way.argv(words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        write(wish.report, done.stdout)
        return done.returncode
    terminal = sys.stdin.isatty() and sys.stdout.isatty() and not wish.report
    return subprocess.run(way.argv(words, tty=terminal)).returncode


def in_vagrant(verb: str, wish: Wish) -> int:
    """Run in the Vagrant machine; the learner's files are carried there before, and back after."""
    way = vagrant_way()
    sync_watch.once(way)
    words = ["sudo", "-n", "minidocker", verb, *wish.words, *_report(wish)]
    status = pass_through(way, words, wish)
    sync_watch.once(way)
    return status


def vagrant_way() -> Ssh:
    """Ask Vagrant how its machine is reached: man vagrant, ssh-config."""
    try:
        done = subprocess.run(
            ["vagrant", "ssh-config"], capture_output=True, text=True, cwd=places.COURSE,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except FileNotFoundError:
        raise NotFound("Vagrant is not installed", "make vm, or --on vm", 1) from None
    pairs = (line.split(None, 1) for line in done.stdout.splitlines())
    facts = {pair[0]: pair[1].strip('"') for pair in pairs if len(pair) == 2}
    if done.returncode or "IdentityFile" not in facts:
        raise NotFound("the Vagrant machine is down", "vagrant up", 1)
    return sync_watch.reach({"host": facts["HostName"], "port": facts["Port"],
                       "user": facts["User"], "key": facts["IdentityFile"]})  # fmt: skip


# --- other people's submissions ----------------------------------------------------------


def submission(wish: Wish, directory: Path) -> int:
    """Judge a directory of exercise files in a pristine machine that gives nothing back."""
    content = pack(directory)
    machine = Machine("grading", shared=False)
    try:
        status, said = judge(machine, content, [*wish.words, *_report(wish)], not wish.report)
    finally:
        machine.down()
    if wish.report:
        write(wish.report, believe(said))
    else:
        sys.stdout.write(harmless(said.decode(errors="replace")))
    return status if 0 <= status <= 4 else 4


def judge(
    machine: Machine, content: bytes, words: Sequence[str], merged: bool
) -> tuple[int, bytes]:
    """Put the machine back, carry a submission in, grade it: its exit status and what it said."""
    way = machine.restore()
    way.run(["sh", "-c", f"mkdir {THERE} && tar -xf - -C {THERE}"], stdin=content, cwd="/")
    argv = ["minidocker", "grade", *words, "--from", THERE]
    return bounded(way.argv(argv), merged=merged)


def bounded(
    argv: Sequence[str], merged: bool, patience: float = PATIENCE, largest: int = LARGEST
) -> tuple[int, bytes]:
    """Run a program and return its status and output; end one that says or takes too much."""
    process = subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True,
        stderr=subprocess.STDOUT if merged else subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    deadline, said = time.monotonic() + patience, b""
    try:
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
                raise MinidockerError(
                    f"the submission was not judged within {patience:.0f} s", "read it", 4
                )
            piece = os.read(process.stdout.fileno(), 65536)
            if not piece:
                return process.wait(30), said
            said += piece
            if len(said) > largest:
                raise MinidockerError(
                    f"the submission printed more than {largest >> 10} KiB", "read it", 4
                )
    finally:
        process.kill()
        process.wait()


def pack(directory: Path) -> bytes:
    """Return a directory's Python files as a tar archive: no links, nothing large."""
    if not directory.is_dir():
        raise NotFound(f"there is no directory {directory}", "name one with exercise files", 2)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for path in sorted(directory.glob("*.py")):
            if path.is_symlink() or not path.is_file() or path.stat().st_size > LARGEST:
                raise UsageError(f"{path} is no plain file of at most 1 MiB", "leave it out")
            member = tarfile.TarInfo(path.name)
            content = path.read_bytes()
            member.size, member.mode = len(content), 0o644
            tar.addfile(member, io.BytesIO(content))
    return out.getvalue()


def believe(content: bytes) -> bytes:
    """Return a report again if it is JSON; the submission may have written anything there."""
    try:
        return json.dumps(json.loads(content), indent=2, ensure_ascii=False).encode() + b"\n"
    except ValueError:
        remedy = "the same without --json says more"
        raise MinidockerError("the machine gave no report", remedy, 4) from None


def harmless(text: str) -> str:
    """Take out what would steer a terminal: control and format characters, but lines and tabs."""
    return "".join(
        one for one in text if one in "\n\t" or unicodedata.category(one) not in ("Cc", "Cf")
    )


def write(file: str, content: bytes) -> None:
    if file == "-":
        sys.stdout.buffer.write(content)
        return
    try:
        Path(file).write_bytes(content)
    except OSError as problem:
        raise UsageError(f"cannot write {file}: {os.strerror(problem.errno or 0)}") from None
