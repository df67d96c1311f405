"""Machine: where a check runs commands and reads files. Here; a lab machine over ssh follows.

A check never knows which one it has: `spawn`, `run`, `read` and `put` are all it may use.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pexpect

from minidocker.chamber.cell_needs import patience


class Machine:
    """This Linux."""

    name = "here"

    def spawn(self, argv: Sequence[str], **options: Any) -> Any:
        """Start a program on a terminal and return its pexpect session."""
        options.setdefault("timeout", 10 * patience())
        session = pexpect.spawn(argv[0], list(argv[1:]), encoding="utf-8", echo=False, **options)
        session.delaybeforesend = None  # 50 ms a line otherwise
        return session

    def run(self, argv: Sequence[str], stdin: str = "") -> str:
        """Run a program to its end and return its output; CalledProcessError when it fails."""
        done = subprocess.run(
            argv, input=stdin, capture_output=True, text=True, check=True, timeout=60 * patience()
        )
        return done.stdout

    def read(self, path: str) -> str:
        """Return the text of a file."""
        return Path(path).read_text(errors="replace")

    def put(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file, with its directories."""
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        Path(path).write_text(text)
        os.chmod(path, mode)

    def facts(self) -> dict[str, str]:
        """Return what no check may change: the mount table, the host name, pid_max, namespaces."""
        return {
            "mounts": self.read("/proc/self/mountinfo"),
            "hostname": os.uname().nodename,
            "pid_max": self.read("/proc/sys/kernel/pid_max"),
            "namespaces": " ".join(
                os.readlink(f"/proc/self/ns/{name}") for name in sorted(os.listdir("/proc/self/ns"))
            ),
        }


def here() -> Machine:
    """Return the machine that checks use."""
    return Machine()
