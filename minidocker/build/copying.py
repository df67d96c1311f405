"""COPY and ADD: which files of a tree go where in the stage.

    COPY a b/ *.txt /x/     each file to /x/NAME; of a directory what is in it
    COPY a /x               to /x, or to /x/a where /x is a directory
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from minidocker.build.addition import Addition
from minidocker.build.ignore import Ignore, is_glob, matches
from minidocker.build.tree import Tree, kind, parts, resolve
from minidocker.build.wrong import BuildError
from minidocker.images.archive.open_directories import Parts

Unpack = Callable[[Tree, Parts], "Tree | None"]  # the tree in an archive; None where it is none


class From(NamedTuple):
    """Where a COPY takes files from: `title` for messages, `whole` keeps attributes and devices."""

    tree: Tree
    ignore: Ignore
    title: str
    whole: bool


def to_directory(text: str) -> bool:
    """Say whether a destination as written is a directory."""
    return text.endswith("/") or os.path.basename(text) in (".", "..")


def copy(
    addition: Addition, source: From, names: Sequence[str], target: str,
    unpack: Unpack | None = None,
) -> None:  # fmt: skip
    """Put what the names stand for at `target`, an absolute path as written."""
    line = addition.line
    goal = resolve(addition.below, target, line)
    found = [path for name in names for path in chosen(source, name, line)]
    many = len(found) > 1 or len(names) > 1
    if many and not to_directory(target) and kind(addition.below, goal) != stat.S_IFDIR:
        raise BuildError(
            line, f"{len(found)} files cannot all become {target}", f"{target}/",
            "When using COPY with more than one source file, the destination must be a "
            "directory and end with a /",
        )  # fmt: skip
    for path, named in found:
        what = kind(source.tree, path)
        archive = unpack(source.tree, path) if unpack and what == stat.S_IFREG else None
        if archive:
            with addition.from_archive():
                _tree(addition, From(archive, Ignore(), source.title, True), (), goal)
        elif what == stat.S_IFDIR:
            _tree(addition, source, path, goal)
        else:
            into = to_directory(target) or many or addition.kind(goal) == stat.S_IFDIR
            to = (*goal, named) if into else goal
            addition.put(to, source.tree, path, source.whole)


def chosen(source: From, name: str, line: int) -> list[tuple[Parts, bytes]]:
    """Return what one source name stands for, and what it is called: a link's own name.

    BuildError where there is nothing. A pattern may stand for nothing: `COPY package.json
    yarn.lock* ./`. A name never leaves the tree: ".." stops at its root, and links stay inside.
    """
    wanted = parts(name)
    found: list[Parts] = [()]
    for index, part in enumerate(wanted):
        text = os.fsdecode(part)
        if is_glob(text):
            found = [one for path in found for one in _fitting(source, path, text)]
        else:
            found = [(*path, part) for path in found]
        if index + 1 < len(wanted):
            found = [resolve(source.tree, "/" + _text(path), line) for path in found]
    there = []
    for path in found:
        real = resolve(source.tree, "/" + _text(path), line)
        what = kind(source.tree, real) if real else stat.S_IFDIR
        hidden = any(source.ignore.ignores(_text(one)) for one in (path, real) if one)
        if what and not (hidden and not (what == stat.S_IFDIR and source.ignore.has_exceptions)):
            there.append((real, path[-1] if path else b""))
    if not there and not any(is_glob(os.fsdecode(part)) for part in wanted):
        left_out = any(kind(source.tree, path) for path in found if path)
        hint = "your .dockerignore leaves it out" if left_out else f"look for it in {source.title}"
        raise BuildError(
            line, f"{source.title} has no {name}", hint,
            f'failed to calculate checksum: "/{_text(wanted)}": not found',
        )  # fmt: skip
    return there


def _text(path: Parts) -> str:
    return os.fsdecode(b"/".join(path))


def _fitting(source: From, path: Parts, pattern: str) -> Iterator[Parts]:
    if kind(source.tree, path) != stat.S_IFDIR and path:
        return
    names = [os.fsdecode(name) for name in source.tree.names(path)]
    for name in matches(pattern, names):
        one = (*path, os.fsencode(name))
        if not source.ignore.ignores(_text(one)):
            yield one


def _tree(addition: Addition, source: From, path: Parts, goal: Parts) -> None:
    """Put what is in a directory into the directory `goal`; a new one is as any new one."""
    addition.parents(goal)
    if addition.kind(goal) not in (0, stat.S_IFDIR):
        raise addition.wrong(goal, "is no directory, and a directory cannot take its place")
    addition.directory(goal)
    _inside(addition, source, path, goal)


def _inside(addition: Addition, source: From, path: Parts, goal: Parts) -> None:
    for name in source.tree.names(path):
        here, there = (*path, name), (*goal, name)
        ignored = source.ignore.ignores(_text(here))
        info = source.tree.look(here)
        if stat.S_ISDIR(info.st_mode):
            if not ignored:
                addition.put_directory(there, info)
            if not ignored or source.ignore.has_exceptions:
                _inside(addition, source, here, there)
        elif not ignored:
            addition.put(there, source.tree, here, source.whole)
