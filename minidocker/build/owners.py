"""--chown and --chmod: numbers, or names that the stage's own /etc/passwd and /etc/group have."""

from __future__ import annotations

from minidocker.build.addition import Owner
from minidocker.build.tree import Tree, text_of
from minidocker.build.wrong import BuildError
from minidocker.spec.words import is_number

LARGEST = (1 << 32) - 2


def owner(tree: Tree, chown: str, chmod: str, line: int) -> Owner:
    """Return what --chown and --chmod say; with neither, all belongs to root."""
    uid = gid = 0
    if chown:
        user, _, group = chown.partition(":")
        uid, gid = _user(tree, user, line)
        gid = _group(tree, group, line) if group else gid
    return Owner(uid, gid, _mode(chmod, line) if chmod else None)


def _mode(text: str, line: int) -> int:
    if not text or text.strip("01234567") or int(text, 8) > 0o7777:
        raise BuildError(line, f"--chmod={text} is no octal mode", "--chmod=755")
    return int(text, 8)


def _number(text: str) -> int | None:
    if not is_number(text) or int(text) > LARGEST:
        return None
    return int(text)


def _user(tree: Tree, text: str, line: int) -> tuple[int, int]:
    """Return (uid, gid); a number without a group is its own group, as in Docker."""
    number = _number(text)
    if number is not None:
        return number, number
    for row in text_of(tree, "/etc/passwd", line).splitlines():
        words = row.split(":")
        if len(words) > 3 and words[0] == text:
            uid, gid = _number(words[2]), _number(words[3])
            if uid is not None and gid is not None:
                return uid, gid
    raise BuildError(line, f"the stage has no user {text!r} in /etc/passwd", "--chown=1000",
                     f"unable to find user {text}: invalid argument")  # fmt: skip


def _group(tree: Tree, text: str, line: int) -> int:
    number = _number(text)
    if number is not None:
        return number
    for row in text_of(tree, "/etc/group", line).splitlines():
        words = row.split(":")
        if len(words) > 2 and words[0] == text and (found := _number(words[2])) is not None:
            return found
    raise BuildError(line, f"the stage has no group {text!r} in /etc/group", "--chown=0:0",
                     f"unable to find group {text}: invalid argument")  # fmt: skip
