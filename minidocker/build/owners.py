"""--chown and --chmod: numbers, or names that the stage's own /etc/passwd and /etc/group have."""

from __future__ import annotations

import re

from minidocker.build.addition import Chmod, Owner
from minidocker.build.tree import Tree, text_of
from minidocker.build.wrong import BuildError
from minidocker.spec.words import is_number

LARGEST = (1 << 32) - 2
SHIFTS = {"u": 6, "g": 3, "o": 0}
CLAUSE = re.compile(r"([ugoa]*)((?:[-+=](?:[ugo]|[rwxXst]*))+)")
ACTION = re.compile(r"([-+=])([ugo]|[rwxXst]*)")


def owner(tree: Tree, chown: str, chmod: str, line: int) -> Owner:
    """Return what --chown and --chmod say; with neither, all belongs to root."""
    uid = gid = 0
    if chown:
        user, _, group = chown.partition(":")
        uid, gid = _user(tree, user, line)
        gid = _group(tree, group, line) if group else gid
    return Owner(uid, gid, _mode(chmod, line) if chmod else None)


def _mode(text: str, line: int) -> Chmod:
    """Read 755, or what chmod(1) calls a symbolic mode: u+x,g=u,o-w."""
    if text and not text.strip("01234567") and int(text, 8) <= 0o7777:
        return lambda mode, is_directory: int(text, 8)
    clauses = [CLAUSE.fullmatch(clause) for clause in text.split(",")]
    if not all(clauses):
        raise BuildError(line, f"--chmod={text} is no mode", "--chmod=755, or --chmod=u+x,go-w")

    def change(mode: int, is_directory: bool) -> int:
        for clause in filter(None, clauses):
            who = set(clause[1].replace("a", "ugo") or "ugo")
            for sign, letters in ACTION.findall(clause[2]):
                mode = _changed(mode, who, sign, letters, is_directory)
        return mode

    return change


def _changed(mode: int, who: set[str], sign: str, letters: str, is_directory: bool) -> int:
    """Add, take away or set these rights for user, group, others."""
    if letters in SHIFTS:
        rights = mode >> SHIFTS[letters] & 7  # as another one has them
    else:
        some = is_directory or mode & 0o111
        rights = 4 * ("r" in letters) + 2 * ("w" in letters)
        rights += "x" in letters or ("X" in letters and bool(some))
    bits, every = 0o1000 * ("t" in letters), 0
    for one in who:
        special = {"u": 0o4000, "g": 0o2000}.get(one, 0)
        bits |= rights << SHIFTS[one] | special * ("s" in letters)
        every |= 7 << SHIFTS[one] | special
    if sign == "=":
        return mode & ~every | bits
    return mode | bits if sign == "+" else mode & ~bits


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
