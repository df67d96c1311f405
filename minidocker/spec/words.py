"""Words: what may be typed after `run`, and how a text becomes a number, a name, a mode.

A stage declares its own options with these, beside its moments; those of no stage stand in
plan/options.py. So the readers must lie below the stages: a stage imports nothing of the plan.
"""

from __future__ import annotations

import os

from minidocker.errors import UsageError
from minidocker.spec.option import FLAG as FLAG  # with the readers, for those who declare options
from minidocker.spec.option import LIST as LIST
from minidocker.spec.option import VALUE as VALUE
from minidocker.spec.option import Option as Option

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

HELP = "minidocker run --help"




class Asked(dict):  # type: ignore[type-arg]
    """What a command line asks for: option's key → its value, for those that are there.

    `store` is the store's directory; `touch` False (a dry run) means: look at no file. `image` is
    the configuration of the image, {} where there is none.
    """

    __slots__ = ("image", "store", "touch")

    def __init__(self, store: str, touch: bool) -> None:
        super().__init__()
        self.store = store
        self.touch = touch
        self.image: dict[str, Any] = {}


def put(section: Any, field: str, value: object) -> None:
    """Set a field of a section by its dotted name: put(spec, "root.readonly", True)."""
    *path, last = field.split(".")
    for name in path:
        section = getattr(section, name)
    if isinstance(section, dict):
        section[last] = value
    else:
        setattr(section, last, value)


UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}


def parse_cpus(text: str, option: str) -> float | None:
    """Read --cpus: a number of CPUs such as 0.5, 2 or 1/2; the kernel's smallest quota is 0.01.

    As in Docker, 0 is "nothing said".
    """
    over, _, under = text.partition("/")
    try:
        cpus = float(over) / float(under or 1)
    except (ValueError, ZeroDivisionError):
        cpus = -1.0
    if cpus == 0:
        return None
    if not 0.01 <= cpus <= 8192:
        raise UsageError(f"{option} {text!r} is not a number of CPUs", f"such as {option} 0.5")
    return cpus


def is_number(text: str) -> bool:
    """Say whether a text is a number of ordinary digits, and short: int() refuses 5000 of them."""
    return text.isascii() and text.isdecimal() and len(text) < 20


def parse_set(text: str, option: str) -> str | None:
    """Read a list of numbers and ranges, such as 0-2,4. cpuset(7)"""
    ranges = [word.split("-") for word in text.split(",")] if text else []
    for numbers in ranges:
        if not (
            len(numbers) <= 2
            and all(is_number(n) and int(n) < 8192 for n in numbers)
            and int(numbers[0]) <= int(numbers[-1])
        ):
            raise UsageError(
                f"{option} {text!r} is no list of numbers", f"such as {option} 0-2,4",
                docker=f"invalid value {text} for {option[2:].replace('-', ' ')}",
            )  # fmt: skip
    return text or None


def parse_size(text: str, option: str) -> int:
    """Read "64m" as 67108864 bytes: a number and one of b, k, m, g, t (powers of 1024).

    "64mb", "64MiB" and "0.5g" are fine too, as in Docker. Anything else raises UsageError.
    """
    word = text.strip().lower()
    for end in ("ib", "b"):
        if len(word) > len(end) and word.endswith(end) and word[-len(end) - 1] in "kmgtp":
            word = word.removesuffix(end)
    number, unit = (word[:-1], word[-1]) if word and not word[-1].isdigit() else (word, "")
    try:
        size = int(float(number) * UNITS[unit])
    except (ValueError, KeyError, OverflowError):
        size = -1
    if size < 0:
        raise UsageError(
            f"{option} {text!r} is not a size", f"a number with b, k, m or g, such as {option} 64m"
        )
    return size


def parse_number(text: str, option: str, least: int = 0) -> int:
    """Read a whole number, at least `least`."""
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise UsageError(
            f"{option} {text!r} is not a whole number from {least}",
            f"such as {option} {max(least, 100)}",
        )
    return number


def parse_name(text: str, option: str) -> str:
    """Check a name: letters, digits, "_", "." and "-"; first a letter or digit."""
    if text and not (
        text[0].isalnum() and text.isascii() and all(c.isalnum() or c in "_.-" for c in text)
    ):
        raise UsageError(
            f"{option} {text!r} is not a name", f"letters, digits, _ . - such as {option} web-1"
        )
    return text


def parse_container_name(text: str, option: str) -> str:
    """Check the name of a container, and say Docker's words where it is none."""
    if len(text) > 255:
        raise UsageError(f"{option} is longer than 255 letters", "a shorter name")
    try:
        return parse_name(text.removeprefix("/"), option)
    except UsageError as problem:
        rule = "only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
        problem.docker = f"Invalid container name ({text}), {rule}"
        raise


def is_address(text: str) -> bool:
    """Say whether a text is an IPv4 or an IPv6 address. inet_pton(3)"""
    import _socket

    for family in (_socket.AF_INET, _socket.AF_INET6):
        try:
            _socket.inet_pton(family, text)
            return True
        except (OSError, ValueError):
            pass
    return False


def fields(text: str, option: str) -> list[tuple[str, str | None]]:
    """Read KEY=VALUE,KEY,… as pairs; quotes keep a comma in: "src=/a,b",dst=/c.

    A key without "=" has the value None. As in Docker, which reads it as a line of CSV: the quotes
    go around a whole field.
    """
    found, field, quoted, rest = [], "", False, text
    while rest:
        character, rest = rest[0], rest[1:]
        if quoted and character == '"' and rest[:1] == '"':
            field, rest = field + '"', rest[1:]
        elif character == '"' and (quoted or not field):
            quoted = not quoted
        elif character == "," and not quoted:
            found.append(field)
            field = ""
        else:
            field += character
    if quoted:
        raise UsageError(f"{option} {text!r} has a quote that does not end", "one more quote")
    pairs = [one.partition("=") for one in [*found, field]]
    return [(key.lower(), value if sign else None) for key, sign, value in pairs]


CLIENTS = ("--pid", "--uts")  # of these options Docker's own words for a wrong mode are known


def parse_mode(text: str, option: str, modes: tuple[str, ...]) -> str | None:
    """Read whose namespace it is: None for `modes[0]`, the container's own; else the text.

    "container:NAME" among the modes stands for every such text.
    """
    kind, _, name = text.partition(":")
    if text in ("", modes[0]):
        return None
    if (text in modes and not name) or (kind == "container" and name and f"{kind}:NAME" in modes):
        return text
    raise UsageError(
        f"{option} {text!r} is no mode", f"one of {', '.join(modes)}",
        docker=f"{option}: invalid {option[2:].upper()} mode" if option in CLIENTS
        else f"invalid IPC mode: {text}" if option == "--ipc" else "",
    )  # fmt: skip


def one_of(*modes: str) -> Callable[[str, str], str | None]:
    """Return the reader of an option that takes these modes."""
    return lambda text, option: parse_mode(text, option, modes)


def is_root(path: str) -> bool:
    """Say whether an absolute path is "/" by another name, such as "//" or "/x/.."."""
    return not os.path.normpath(path).strip("/")
