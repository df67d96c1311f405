"""Notes: labels, annotations, how to stop the container; and files of NAME=VALUE lines.

Nothing of this changes what is inside, so a plain run loads none of it.
"""

from __future__ import annotations

import os

from minidocker.errors import Conflict, MinidockerError, NotFound, UsageError

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.spec.spec import Spec
    from minidocker.spec.words import Asked

BYTE_ORDER_MARK = "\ufeff"


def note(spec: Spec, asked: Asked) -> None:
    """Put labels, annotations and the way to stop it into the Spec."""
    for file in asked.get("label-file", ()):
        spec.labels.update(pairs(read_file(file, "--label-file")))
    spec.labels.update(pairs(named(asked.get("label", ()), "--label")))
    spec.annotations = pairs(named(asked.get("annotation", ()), "--annotation"))
    if text := asked.get("stop-signal") or asked.image.get("StopSignal"):
        spec.stop_signal = signal_number(text)
    if "stop-timeout" in asked:
        spec.stop_timeout = seconds(asked["stop-timeout"])


def named(given: list[str], option: str) -> list[str]:
    """Refuse a text that has no name before its "=", and a label whose name has a space in it."""
    for text in given:
        name = text.partition("=")[0].lstrip()
        flag = '"-l, --label" flag' if option == "--label" else f'"{option}" flag'
        if not name:
            raise UsageError(
                f"{option} {text!r} has no name", f"{option} NAME=VALUE",
                docker=f"invalid argument \"{text}\" for {flag}: invalid label '{text}': empty name"
                if option == "--label" else "",
            )  # fmt: skip
        if option == "--label" and any(character.isspace() for character in name):
            raise UsageError(
                f"{option} {text!r} has a name with a space in it", f"{option} NAME=VALUE",
                docker=f'invalid argument "{text}" for {flag}: '
                f"label '{name}' contains whitespaces",
            )  # fmt: skip
    return given


def pairs(lines: list[str]) -> dict[str, str]:
    """Turn NAME=VALUE texts into a dictionary; a name alone has the value ""."""
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def signal_number(text: str, option: str = "--stop-signal") -> int:
    """Read a signal: SIGTERM, term, 15, or one of those for free use, RTMIN+3. signal(7)"""
    import signal

    name = text.upper().removeprefix("SIG")
    first, last = int(signal.SIGRTMIN), int(signal.SIGRTMAX)
    number = int(signal.Signals.__members__.get(f"SIG{name}", 0))
    for start, base, sign in (("", 0, 1), ("RTMIN+", first, 1), ("RTMAX-", last, -1)):
        digits = name.removeprefix(start)
        if name.startswith(start) and digits.isascii() and digits.isdecimal():
            number = base + sign * int(digits[:4])
            number = number if not base or first <= number <= last else 0
    if not 1 <= number <= 64:
        raise UsageError(
            f"{option} {text!r} is no signal", f"such as {option} SIGINT",
            docker=f"Invalid signal: {text}",
        )  # fmt: skip
    return number


def seconds(text: str) -> int:
    """Read --stop-timeout: whole seconds; -1 waits for ever."""
    try:
        number = int(text)
    except ValueError:
        number = -2
    if number < -1:
        raise UsageError(
            f"--stop-timeout {text!r} is no number of seconds", "--stop-timeout 30",
            docker=f'invalid argument "{text}" for "--stop-timeout" flag',
        )  # fmt: skip
    return number


def read_file(file: str, option: str) -> list[str]:
    """Return the lines of a file of the user's that say something."""
    try:
        with open(file, encoding="utf-8", errors="surrogateescape", newline="") as stream:
            text = stream.read()
    except OSError as problem:
        said = (problem.strerror or "").lower()
        way = f"invalid env file ({file}): read" if os.path.isdir(file) else "open"
        raise NotFound(
            f"{option} {file}: {problem.strerror}", "give a readable file",
            docker=f"{way} {file}: {said}",
        ) from None  # fmt: skip
    return key_values(text.removeprefix(BYTE_ORDER_MARK).split("\n"), file, option)


class CidFile:
    """The file of --cidfile: new, and gone again where no container came to be."""

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            # O_EXCL: it follows no link, and takes no file that is there. open(2)
            self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        except FileExistsError:
            raise Conflict(
                f"--cidfile {path}: there is such a file already", f"rm {path}",
                docker="container ID file found, make sure the other container isn't running or "
                f"delete {path}",
            ) from None  # fmt: skip
        except OSError as problem:
            raise MinidockerError(
                f"--cidfile {path}: {problem.strerror}", "a file in a directory that is yours",
                docker=f"failed to create the container ID file: open {path}: "
                f"{(problem.strerror or '').lower()}",
            ) from None  # fmt: skip

    def write(self, id: str) -> None:
        """Write the container's id; it stays there when the container is gone."""
        os.write(self.fd, id.encode())
        os.close(self.fd)

    def remove(self) -> None:
        """Take the file away: nothing was made that it could name."""
        os.close(self.fd)
        os.unlink(self.path)


def key_values(lines: list[str], file: str, option: str) -> list[str]:
    """Return the lines of a file of variables or labels that say something, as Docker reads them.

    A "#" at the beginning makes a remark; what is after "=" is taken as it is, quotes and all. A
    name with a space in it, or none at all, raises UsageError.
    """
    kept = []
    for number, line in enumerate(lines, 1):
        if not line.isascii() and (strange := [c for c in line if "\ud800" <= c <= "\udfff"]):
            raise UsageError(
                f"{option} {file}: line {number} is no text in UTF-8", "NAME=VALUE in UTF-8",
                docker=f"invalid env file ({file}): invalid utf8 bytes at line {number}: "
                f"[{' '.join(str(ord(c) & 0xFF) for c in strange)}]",
            )  # fmt: skip
        line = line.removesuffix("\r").lstrip()
        if not line or line[0] == "#":
            continue
        name = line.partition("=")[0]
        if not name:
            raise UsageError(
                f"{option} {file}: the line {line!r} has no name", "NAME=VALUE",
                docker=f"no variable name on line '{line}'",
            )  # fmt: skip
        if any(character.isspace() for character in name):
            raise UsageError(
                f"{option} {file}: the name {name!r} has a space in it", "NAME=VALUE",
                docker=f"variable '{name}' contains whitespaces",
            )  # fmt: skip
        kept.append(line)
    return kept
