"""Carry a learner's work over from the course's first numbers: three lessons became two each.

    exercises/04_layers.py     → 04_union_layers.py and 12_layers.py
    exercises/08_network.py    → 08_network.py and 09_ports.py
    exercises/09_hardening.py  → 10_capabilities.py and 11_seccomp.py

An update of those days leaves the old file where it was, since the course has it no more. What the
learner has written in it goes, name by name, to the first new file that asks for that name, with
the imports and helpers that it uses; the old file stays as NAME.mine. A name that was worked on in
the new file already is left alone. Like bootstrap.py this needs a bare Python and git.
"""

from __future__ import annotations

import ast
import builtins
import os
import re
import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SPLIT = (
    ("04_layers.py", ("04_union_layers.py", "12_layers.py")),
    ("08_network.py", ("08_network.py", "09_ports.py")),
    ("09_hardening.py", ("10_capabilities.py", "11_seccomp.py")),
)
BOOKS = ("09_hardening",)  # the other two kept their names
OLD_NETWORK = re.compile(r"^def lease\b.*^def publish\b", re.MULTILINE | re.DOTALL)
IMPORTS = (ast.Import, ast.ImportFrom)


class Text:
    """A Python file as its top-level pieces: name → the statement that binds it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = text.splitlines()
        self.body = ast.parse(text).body
        self.nodes: dict[str, ast.stmt] = {}
        for node in self.body:
            for name in bound(node):
                self.nodes[name] = node

    def source(self, node: ast.stmt) -> list[str]:
        """Return the lines of a statement, its decorators too."""
        return self.lines[first(node) : node.end_lineno]

    def same(self, name: str, other: Text) -> bool:
        """Say whether a name has the same code in both, comments and layout left out."""
        return name in other.nodes and ast.dump(self.nodes[name]) == ast.dump(other.nodes[name])

    def with_pieces(self, pieces: dict[str, list[str]], heads: list[list[str]]) -> str:
        """Return the text with new code for some names, and more statements after the imports."""
        lines = list(self.lines)
        # Two names of one assignment are one piece. From the end: what is to come keeps its place.
        places = {first(self.nodes[name]): name for name in pieces}
        for at in sorted(places, reverse=True):
            lines[at : self.nodes[places[at]].end_lineno] = pieces[places[at]]
        top = max([0, *(node.end_lineno or 0 for node in self.body if isinstance(node, IMPORTS))])
        more = [line for head in heads for line in (head if is_import(head) else ["", "", *head])]
        return "\n".join([*lines[:top], *more, *lines[top:]]) + "\n"


def first(node: ast.stmt) -> int:
    """Return the first line of a statement, counted from 0."""
    lines = [node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))]
    return int(min(lines)) - 1


def is_import(lines: Sequence[str]) -> bool:
    """Say whether lines are an import."""
    return lines[0].startswith(("import ", "from "))


def bound(node: ast.stmt) -> list[str]:
    """Return the names that a top-level statement binds."""
    if isinstance(node, IMPORTS):
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            return []
        return [(alias.asname or alias.name).partition(".")[0] for alias in node.names]
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return [word for target in targets for word in used(target)]
    return []


def used(node: ast.AST) -> list[str]:
    """Return the names that a statement reads, in order."""
    return [one.id for one in ast.walk(node) if isinstance(one, ast.Name)]


def needed(old: Text, names: Iterable[str], new: Text) -> list[list[str]]:
    """Return the old file's imports and helpers that its code uses, and the new file lacks."""
    found: dict[int, list[str]] = {}
    waiting = [word for name in names for word in used(old.nodes[name])]
    while waiting:
        name = waiting.pop()
        node = old.nodes.get(name)
        if node is None or name in new.nodes or hasattr(builtins, name) or first(node) in found:
            continue
        found[first(node)] = old.source(node)
        waiting += used(node)
    order = sorted(found, key=lambda at: (not is_import(found[at]), at))
    return [found[at] for at in order]


class Exercises:
    """The exercises of one clone: as the course has them at HEAD, and as they lie on the disk."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.moment = time.strftime("%Y%m%d-%H%M%S")

    def path(self, name: str) -> str:
        """Return where an exercise lies."""
        return os.path.join(self.root, "exercises", name)

    def given(self, name: str) -> str | None:
        """Return an exercise as the course has it now; None when it has none of that name."""
        argv = ["git", "-C", self.root, "show", f"HEAD:exercises/{name}"]
        try:
            done = subprocess.run(argv, capture_output=True)
        except FileNotFoundError:
            return None
        return done.stdout.decode() if done.returncode == 0 else None

    def mine(self, path: str) -> str | None:
        """Return a file's text; None when it is not there."""
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                return file.read()
        except (FileNotFoundError, IsADirectoryError):
            return None

    def write(self, path: str, text: str) -> None:
        """Write a file that belongs to the owner of the clone, and the directories above it."""
        made, folder = [path], os.path.dirname(path)
        while not os.path.isdir(folder):
            made.append(folder)
            folder = os.path.dirname(folder)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
        if os.geteuid() == 0:
            owner = os.stat(self.root)
            for one in made:
                os.chown(one, owner.st_uid, owner.st_gid)

    def keep(self, name: str, text: str) -> None:
        """Keep a copy of a file that is about to be changed."""
        folder = os.path.join(self.root, ".minidocker", "copies", f"update.{self.moment}")
        self.write(os.path.join(folder, "exercises", name), text)


def carry(root: str) -> list[str]:
    """Carry what there is of the first numbers; return a sentence for each file."""
    here = Exercises(root)
    said = []
    for old, new in SPLIT:
        text = here.mine(here.path(old))
        given = {name: here.given(name) for name in new}
        if text is None or None in given.values():
            continue
        if OLD_NETWORK.search(text) if old in new else here.given(old) is None:
            said.append(_carry_one(here, old, text, {n: t or "" for n, t in given.items()}))
    return said + [told for book in BOOKS for told in _book(root, book)]


def _carry_one(here: Exercises, old: str, text: str, given: dict[str, str]) -> str:
    """Carry one old file into its two new ones, and put it aside."""
    aside = _free(here.path(old) + ".mine")
    kept = f"the old file is exercises/{os.path.basename(aside)}"
    current = {name: given[name] if name == old else here.mine(here.path(name)) or given[name]
               for name in given}  # fmt: skip
    try:
        made, moved, left = _split(Text(text), given, current)
    except SyntaxError as problem:
        made, moved, left = {}, [], []
        kept += f"; it is no Python (line {problem.lineno}), so carry it over by hand"
    here.keep(old, text)
    here.write(aside, text)
    os.unlink(here.path(old))
    for name, new in {**({old: given[old]} if old in given else {}), **made}.items():
        if name != old and new != current[name]:
            here.keep(name, current[name])
        here.write(here.path(name), new)
    beside = here.path(old) + ".new"  # what an old update has put there is the course's own
    if old in given and here.mine(beside) == given[old]:
        os.unlink(beside)
    told = f"exercises/{old}: yours of {', '.join(moved) or 'nothing'} → {' and '.join(given)}"
    if left:
        told += f"; not carried, you have begun there: {', '.join(left)}"
    return f"{told}; {kept}"


def _split(
    old: Text, given: dict[str, str], current: dict[str, str]
) -> tuple[dict[str, str], list[str], list[str]]:
    """Return the new files' texts, the names that were carried, and those that were not."""
    made: dict[str, str] = {}
    moved: list[str] = []
    left: list[str] = []
    seen: set[str] = set()
    for file, begin in given.items():
        base, now = Text(begin), Text(current[file])
        asked = [name for name in old.nodes if name in base.nodes and name not in seen]
        seen.update(base.nodes)
        changed = [name for name in asked if not old.same(name, base)
                   and not is_import(old.source(old.nodes[name]))]  # fmt: skip
        free = [name for name in changed if now.nodes.get(name) and now.same(name, base)]
        left += [name for name in changed if name not in free]
        pieces = {name: old.source(old.nodes[name]) for name in free}
        text = now.with_pieces(pieces, needed(old, free, now))
        ast.parse(text)
        if free:
            made[file], moved = text, moved + free
    return made, moved, left


def _book(root: str, name: str) -> list[str]:
    """Put a saved notebook of an old number aside: the course has it no more."""
    path = os.path.join(root, "notebooks", f"{name}.ipynb")
    tracked = ["git", "-C", root, "cat-file", "-e", f"HEAD:notebooks/{name}.ipynb"]
    if not os.path.exists(path) or subprocess.run(tracked, capture_output=True).returncode == 0:
        return []
    aside = _free(os.path.join(root, "notebooks", f"{name}.mine.ipynb"))
    os.rename(path, aside)
    kept = os.path.basename(aside)
    return [f"notebooks/{name}.ipynb: the course has it no more; yours is {kept}"]


def _free(path: str) -> str:
    """Return a path that is still free: PATH, or with a number before its ending."""
    stem, dot, ending = path.rpartition(".mine")
    number, found = 1, path
    while os.path.lexists(found):
        number += 1
        found = f"{stem}-{number}{dot}{ending}"
    return found
