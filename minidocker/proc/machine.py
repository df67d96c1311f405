"""Host: the machine that is looked at, this one or a made-up one."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from minidocker.places import ROOM, default_root


@dataclass(slots=True)
class Host:
    """The machine that is examined; tests give another `root`, `which` and trial results.

    `tried` holds what minidocker.doctor.trial returned: "" for success, else what the kernel said.
    """

    root: str = "/"
    platform: str = sys.platform
    euid: int = field(default_factory=lambda: os.geteuid() if hasattr(os, "geteuid") else 1)
    store: str = field(default_factory=default_root)
    which: Callable[[str], str | None] = shutil.which
    tried: dict[str, str] = field(default_factory=dict)

    @property
    def linux(self) -> bool:
        """Whether this is Linux at all."""
        return self.platform == "linux"

    def path(self, name: str) -> str:
        """Return where an absolute name of the machine is found."""
        return os.path.join(self.root, name.lstrip("/"))

    def read(self, name: str) -> str | None:
        """Return a small text file's content, or None where it cannot be read."""
        try:
            with open(self.path(name), encoding="utf-8", errors="surrogateescape") as file:
                return file.read()
        except OSError:
            return None

    def install(self, package: str) -> str:
        """Return the line that installs a package, by Debian's name of it."""
        if self.which("apt-get") is None:
            return f"install the package {package} (Debian's name)"
        return self.as_root(f"apt-get install -y {package}")

    def as_root(self, command: str) -> str:
        """Return a command as this user must type it to run it as root; a room's is nobody's."""
        if ROOM in os.environ:
            return f"sudo {command}   (outside of the room)"
        return command if self.euid == 0 else f"sudo {command}"
