"""Machine *vm*: checks drive the lab machine through one shared ssh connection."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

import pexpect

from minidocker.grader.machine import Machine
from minidocker.vm.ssh import Ssh


class VirtualMachine(Machine):
    """A lab machine that is up. All that is said on its terminals goes to one transcript."""

    name = "vm"

    def __init__(self, way: Ssh, transcript: TextIO | None = None) -> None:
        self.way = way
        self.transcript = transcript
        seen = way.shell("cat /etc/minidocker-lab.patience 2>/dev/null || echo 1").strip()
        self.patience = max(1.0, float(seen))

    def spawn(self, argv: Sequence[str], **options: Any) -> Any:
        """Start a program on a terminal there and return its pexpect session."""
        options.setdefault("timeout", 30 * self.patience)
        line = self.way.argv(argv, tty=True)
        self._tell("spawn", argv)
        session = pexpect.spawn(line[0], line[1:], encoding="utf-8", echo=False, **options)
        session.delaybeforesend = None
        session.logfile_read = self.transcript
        return session

    def run(self, argv: Sequence[str], stdin: str = "") -> str:
        """Run a program to its end and return its output; CalledProcessError when it fails."""
        done = subprocess.run(
            self.way.argv(argv), input=stdin, capture_output=True, text=True,
            timeout=60 * self.patience,
        )  # fmt: skip
        self._tell(f"run, status {done.returncode}", argv, done.stdout + done.stderr)
        if done.returncode:
            raise subprocess.CalledProcessError(done.returncode, argv, done.stdout, done.stderr)
        return done.stdout

    def read(self, path: str) -> str:
        """Return the text of a file."""
        text = self.way.shell(f"cat {shlex.quote(path)}")
        self._tell("read", [path], text)
        return text

    def put(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file, with its directories."""
        name = shlex.quote(path)
        line = f'mkdir -p "$(dirname {name})" && cat > {name} && chmod {mode:o} {name}'
        self.way.run(["sh", "-c", line], stdin=text, cwd="/")
        self._tell("put", [path], text)

    def facts(self) -> dict[str, str]:
        """Return what no check may change, as this machine has it."""
        spaces = "for n in /proc/self/ns/*; do readlink $n; done"
        return {
            "mounts": self.way.shell("cat /proc/1/mountinfo"),
            "hostname": self.way.shell("hostname").strip(),
            "pid_max": self.read("/proc/sys/kernel/pid_max"),
            "namespaces": " ".join(self.way.shell(spaces).split()),
        }

    def _tell(self, what: str, argv: Sequence[str], said: str = "") -> None:
        if self.transcript:
            self.transcript.write(f"\n--- {what}: {shlex.join(argv)}\n{said}")


def keep_transcript(path: Path) -> TextIO:
    """Open a transcript; the caller removes it when the check has passed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return open(path, "w", encoding="utf-8", errors="replace")
