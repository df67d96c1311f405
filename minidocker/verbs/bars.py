"""Progress bars on a terminal, one for each thing that is read or sent; nothing elsewhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Bars:
    """A context manager; `add(title)` returns what tells one bar how far it is, or None."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self._bars: Any = None

    def __enter__(self) -> Bars:
        if self.quiet or not sys.stderr.isatty():
            return self
        try:
            from rich import progress as rich
            from rich.console import Console
        except ImportError:
            return self
        self._bars = rich.Progress(
            "{task.description}", rich.BarColumn(), rich.DownloadColumn(),
            rich.TransferSpeedColumn(), console=Console(stderr=True), transient=True,
        )  # fmt: skip
        self._bars.start()
        return self

    def add(self, title: str) -> Callable[[int, int], None] | None:
        """Begin a bar; call what is returned with (done, in all, 0 where unknown)."""
        if not self._bars:
            return None
        task = self._bars.add_task(title, total=None)
        return lambda done, total: self._bars.update(task, completed=done, total=total or None)

    def __exit__(self, *_: object) -> None:
        if self._bars:
            self._bars.stop()
