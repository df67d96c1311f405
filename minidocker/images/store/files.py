"""Small helpers for the store's files: write whole or not at all, remove trees, say sizes."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from typing import Any

from minidocker.errors import Blocked
from minidocker.places import at_once

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def write(path: str, data: bytes) -> None:
    """Write a file of the store: whole under its name, or not there at all (rename(2))."""
    fresh = f"{path}.{os.getpid()}"
    with open(fresh, "wb") as file:
        file.write(data)
    os.rename(fresh, path)


def as_json(value: object) -> bytes:
    """Write JSON one way only, so that equal values have equal digests."""
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False).encode(
        "utf-8", "surrogateescape"
    )


def load_json(path: str) -> dict[str, Any]:
    """Read a JSON object; {} where the file is missing or is no JSON object."""
    try:
        with open(path, "rb", opener=at_once) as file:
            value = read_json(file.read())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def read_json(data: bytes) -> Any:
    """Read what `as_json` wrote, or what was looked at before; ValueError as usual."""
    try:
        return json.loads(data.decode("utf-8", "surrogateescape"))
    except RecursionError:
        raise ValueError("brackets in brackets, and no end of them") from None


def remove_tree(path: str) -> None:
    """Remove a directory with all that is in it: links are not followed, mounts not entered.

    Also one that its owner may not change (mode 0555), as images have. OSError as usual.
    """
    try:
        top = os.open(path, DIRECTORY)
    except FileNotFoundError:
        return
    try:
        _empty(top, os.fstat(top).st_dev, path)
    finally:
        os.close(top)
    os.rmdir(path)


def _empty(folder: int, device: int, path: str) -> None:
    if os.geteuid():
        os.fchmod(folder, 0o700)
    with os.scandir(folder) as entries:
        found = list(entries)
    for entry in found:
        name = entry.name
        if not entry.is_dir(follow_symlinks=False):
            os.unlink(name, dir_fd=folder)
            continue
        below = f"{path}/{name}"
        if entry.stat(follow_symlinks=False).st_dev != device:
            raise OSError(errno.EBUSY, "something is mounted there", below)
        if os.geteuid():
            os.chmod(name, 0o700, dir_fd=folder)
        fd = os.open(name, DIRECTORY, dir_fd=folder)
        try:
            _empty(fd, device, below)
        finally:
            os.close(fd)
        os.rmdir(name, dir_fd=folder)


def is_real_root() -> bool:
    """Say whether this process is the host's root, and not one of a user namespace.

    Only the first user namespace may have trusted.* attributes; xattr(7), user_namespaces(7)
    """
    if os.geteuid():
        return False
    try:
        with open("/proc/self/uid_map", encoding="ascii") as stream:
            return stream.read().split() == ["0", "0", "4294967295"]
    except OSError:
        return True


def size(count: int) -> str:
    """Say a number of bytes as Docker does, in powers of 1000: "187 MB", "4.2 kB"."""
    value, unit = float(count), "B"
    for bigger in ("kB", "MB", "GB", "TB"):
        if value < 999.5:
            break
        value, unit = value / 1000, bigger
    return f"{value:.3g} {unit}"


def no_room(title: str, root: str, free: int, needs: int, stay: int) -> Blocked:
    """Return the error for what a store's disk cannot hold: `stay` bytes are left for others."""
    said = f"{title} needs {size(needs)}, and {size(stay)} stay free for others"
    return Blocked(f"{said}: {root} has {size(free)}",
                   "minidocker image prune -a, or another MINIDOCKER_ROOT")  # fmt: skip


def printable(text: str) -> str:
    """Return a stranger's text for a terminal, which control characters would steer."""
    return "".join(c if c.isprintable() else " " for c in text)


def escaped(text: str) -> str:
    """Return lines of text in which control characters are written as Python does: \\x1b."""
    return "".join(c if c in "\n\t" or c.isprintable() else repr(c)[1:-1] for c in text)


def usage(path: str) -> int:
    """Return the bytes of all files under a directory, as far as they can be seen."""
    total = 0
    for folder, _, found in os.walk(path):
        for name in found:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(folder, name)).st_size
    return total
