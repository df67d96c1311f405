"""What is wrong with a Dockerfile: one sentence that names the file and the line."""

from __future__ import annotations

from minidocker.errors import MinidockerError
from minidocker.images.store.files import printable

STATUS = 1  # as `docker build`


class BuildError(MinidockerError):
    """A build that cannot be, or a step of it that failed; `line` counts from 1, 0 is unknown."""

    def __init__(self, line: int, message: str, remedy: str = "", docker: str = "") -> None:
        super().__init__(message, remedy, STATUS, docker)
        self.line = line

    def at(self, file: str) -> BuildError:
        """Return the same with the file's name and the line before the message.

        A Dockerfile may be a stranger's: its words must not command a terminal.
        """
        where = f"{file}:{self.line}: " if self.line else ""
        self.message = where + printable(self.message)
        self.docker, self.remedy = printable(self.docker), printable(self.remedy)
        self.args = (self.message,)
        self.line = 0
        return self


def not_built(line: int, what: str, remedy: str) -> BuildError:
    """Return the error for what Docker can build and we do not: refused by its name."""
    return BuildError(line, f"{what} is not built by minidocker", remedy)
