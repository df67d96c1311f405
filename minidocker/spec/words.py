"""Words: how a text of the command line becomes a number, a path, a mount.

They stand as low as this since stages read the words of their own options.
"""

from __future__ import annotations

import os

from minidocker.errors import UsageError
from minidocker.spec.spec import Mount

UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def parse_size(text: str, option: str) -> int:
    """Read "64m" as 67108864 bytes: a number and one of b, k, m, g, t (powers of 1024).

    "64mb" and "0.5g" are fine too, as in Docker. Anything else raises UsageError.
    """
    word = text.strip().lower()
    if len(word) > 2 and word[-1] == "b" and word[-2] in UNITS:
        word = word[:-1]
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


def parse_cpus(text: str) -> float:
    """Read --cpus: a number of CPUs such as 0.5 or 2; the kernel's smallest quota is 0.01."""
    try:
        cpus = float(text)
    except ValueError:
        cpus = -1.0
    if not 0.01 <= cpus <= 8192:
        raise UsageError(f"--cpus {text!r} is not a number of CPUs", "such as --cpus 0.5")
    return cpus


def parse_volume(text: str) -> Mount:
    """Read -v SRC:DST[:ro]; both paths absolute."""
    source, _, rest = text.partition(":")
    destination, _, mode = rest.partition(":")
    if (
        not source.startswith("/")
        or not destination.startswith("/")
        or is_root(destination)
        or mode not in ("", "ro", "rw")
    ):
        raise UsageError(
            f"-v {text!r} is not SRC:DST or SRC:DST:ro with absolute paths",
            'such as -v "$PWD/data:/data:ro"',
        )
    return Mount(source=source, destination=destination, type="bind", readonly=mode == "ro")


def is_root(path: str) -> bool:
    """Say whether an absolute path is "/" by another name, such as "//" or "/x/.."."""
    return not os.path.normpath(path).strip("/")


def parse_tmpfs(text: str) -> Mount:
    """Read --tmpfs DST[:OPTIONS], options as in mount(8), such as size=64m,mode=1777."""
    destination, _, options = text.partition(":")
    if not destination.startswith("/") or is_root(destination):
        raise UsageError(
            f"--tmpfs {text!r} needs an absolute path", "such as --tmpfs /run:size=64m"
        )
    return Mount(source="tmpfs", destination=destination, type="tmpfs", options=options)
