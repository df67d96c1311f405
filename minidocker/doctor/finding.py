"""Finding: one thing that the doctor looked at; Host: where the doctor looks."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

OK, GAP, INFO = "ok", "gap", "info"
DEFAULT_STORE = "/var/lib/minidocker"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, and found: `state` is ok, gap or info; `fix` is the line that helps."""

    id: str
    title: str
    state: str
    seen: str
    fix: str = ""
    group: str = "machine"

    @property
    def ok(self) -> bool:
        """Whether what needs this can run; an info never stands in the way."""
        return self.state != GAP

    def as_dict(self) -> dict[str, str]:
        """Return the finding as it stands in `minidocker doctor --json`."""
        names = ("id", "group", "title", "state", "seen", "fix")
        return {name: getattr(self, name) for name in names}


@dataclass(slots=True)
class Host:
    """The machine that is examined; tests give another `root`, `which` and trial results.

    `tried` holds what minidocker.doctor.trial returned: "" for success, else what the kernel said.
    """

    root: str = "/"
    platform: str = sys.platform
    euid: int = field(default_factory=lambda: os.geteuid() if hasattr(os, "geteuid") else 1)
    store: str = field(default_factory=lambda: os.environ.get("MINIDOCKER_ROOT", DEFAULT_STORE))
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
        return f"{'' if self.euid == 0 else 'sudo '}apt-get install -y {package}"

    def as_root(self, command: str) -> str:
        """Return a command as this user must type it to run it as root."""
        return command if self.euid == 0 else f"sudo {command}"
