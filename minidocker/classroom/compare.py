"""`minidocker class compare`: which submissions have lines in common that nobody gave them.

Each function becomes a row of words with all names folded, so that a renamed copy is the same row.
What the starter gives is taken away first, and then what is like our own solution: it is public,
and two who found it have not copied from each other. Of what is left, groups of 12 words are hashed
and thinned by winnowing (Schleimer, Wilkerson, Aiken: SIGMOD 2003). Groups that a quarter of the
class has are the exercise's own, and say nothing. What is printed is to be looked at: no verdict.
"""

from __future__ import annotations

import ast
import hashlib
from argparse import Namespace
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from minidocker.classroom import incoming, variants
from minidocker.classroom.archives import Damaged
from minidocker.classroom.classfile import Class
from minidocker.classroom.exporting import course, open_class
from minidocker.classroom.records import Record
from minidocker.course import exercise_file as subjects
from minidocker.course import outcomes as o
from minidocker.course.manifest import Lesson
from minidocker.errors import NotFound

WORDS = 12  # in a group
WINDOW = 4
FEWEST = 6
"""With fewer groups of their own than this, two texts have too little to be compared by."""


@dataclass(frozen=True)
class Pair:
    """Two submissions of one lesson, and how much of the smaller one is in the other, 0 to 1."""

    lesson: str
    first: str
    second: str
    part: float
    shared: int


def compare(options: Namespace) -> int:
    """Print the pairs with most in common, and what the journals say of how each was made."""
    room, store = open_class(options.file)
    found = [record for record in store.all(texts=True) if record.get("files")]
    if len(found) < 2:
        raise NotFound("there are not two submissions yet", "minidocker class grade …", 2)
    manifest = course()
    pairs: list[Pair] = []
    short = 0
    carried: list[str] = []
    for lesson in room.lessons:
        given = subjects.starter(manifest, lesson)
        ours = subjects.read(manifest.root / "solutions" / lesson.file)
        prints = {}
        for record in found:
            text = record["files"].get(lesson.id, {}).get("text", "")
            prints[record["name"]] = _guarded(text, given, ours)
        if room.variants:
            carried += list(_carried(room, lesson, given, found))
        short += sum(0 < len(one) < FEWEST for one in prints.values())
        pairs += alike(lesson.id, prints)
    owners = {record["name"]: {*room.partners(record["login"]), *record.get("others", ())} - {""}
              for record in found}  # fmt: skip
    shown = [one for one in sorted(pairs, key=lambda one: (-one.part, -one.shared, one.first))
             if one.part * 100 >= options.least
             and not owners[one.first] & owners[one.second]]  # fmt: skip
    print("Pairs to look at; two who think alike write alike, so this is no verdict.")
    by_name = {record["name"]: record for record in found}
    for one in shown[: options.most]:
        print(o.inert(f"{one.part:4.0%}  {one.lesson:<24} {_told(by_name[one.first])}  and  "
                      f"{_told(by_name[one.second])}"))  # fmt: skip
    for said in carried:
        print(o.inert(said))
    print(f"{len(shown)} pairs with {options.least} % or more; {short} texts had too few lines of "
          "their own to compare.")  # fmt: skip
    return 0


def _carried(
    room: Class, lesson: Lesson, given: str, found: Sequence[Record]
) -> Iterable[str]:
    """Yield a line for each text that has names of somebody else's exercise in it."""
    variants.functions(given)  # once, and not in each child
    for record in found:
        text = record["files"].get(lesson.id, {}).get("text", "")
        owners = {*room.partners(record["login"]), *record.get("others", ())}
        others = {one.login: seed for one, seed in variants.each(room) if one.login not in owners}
        try:
            names, logins = incoming.guarded(variants.strangers, text, given,
                                             variants.seeds(room, owners), others)  # fmt: skip
        except Damaged:
            continue
        if names:
            whose = " or ".join(logins[:3]) or "more than one"
            yield (f"name  {lesson.id:<24} {_told(record)} has {', '.join(names[:6])}: "
                   f"given to {whose}")  # fmt: skip


def _told(record: Record) -> str:
    """Return a name with its journal: a text that was worked on has failed before it passed."""
    if not record["journal"]:
        return f"{record['name']} (no journal)"
    gradings, failed, _ = record["journal"]
    return f"{record['name']} ({gradings} gradings, {failed} with a failure)"


def _guarded(text: str, given: str, ours: str) -> set[int]:
    """Fingerprint a text in a child with limits: it is an enemy's, and short ones can be costly."""
    if not text:
        return set()
    try:
        return set(incoming.guarded(fingerprints, text, given, ours))
    except Damaged:
        return set()


def fingerprints(text: str, given: str, ours: str = "") -> list[int]:
    """Return the winnowed groups of a text's own lines."""
    try:
        mine = subjects.items(subjects.parse(text))
    except SyntaxError:
        return []
    begun = subjects.items(subjects.parse(given)) if given else {}
    known = {row for node in begun.values() for row in _statements(node)}
    found: set[int] = set()
    for node in mine.values():
        words = [word for row in _statements(node) if row not in known for word in row]
        found |= winnow(words)
    for node in subjects.items(subjects.parse(ours)).values() if ours else ():
        words = [word for row in _statements(node) if row not in known for word in row]
        found -= set(groups(words))
    return sorted(found)


def _statements(node: ast.stmt) -> Iterable[tuple[str, ...]]:
    """Return the words of each statement in an item, docstrings left out; those in it follow it."""
    for one in ast.walk(node):
        if isinstance(one, ast.stmt) and not isinstance(one, ast.FunctionDef | ast.ClassDef):
            if isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant):
                continue
            yield tuple(_words(one))


def _words(node: ast.AST) -> Iterable[str]:
    """Return a statement as words: kinds of nodes, and names of attributes, which are no choice."""
    yield type(node).__name__
    if isinstance(node, ast.Attribute):
        yield node.attr
    if isinstance(node, ast.Constant):
        yield type(node.value).__name__
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.stmt | ast.expr_context):  # a statement has its own words
            yield from _words(child)


def groups(words: Sequence[str]) -> list[int]:
    """Return a number for each group of WORDS words."""
    return [
        int.from_bytes(hashlib.blake2b(" ".join(words[at : at + WORDS]).encode(),
                                       digest_size=7).digest(), "big")
        for at in range(len(words) - WORDS + 1)
    ]  # fmt: skip


def winnow(words: Sequence[str]) -> set[int]:
    """Return the least group of each window: the same places in the same text, wherever it lies."""
    numbers = groups(words)
    windows = max(1, len(numbers) - WINDOW + 1)
    return {min(numbers[at : at + WINDOW]) for at in range(windows)} if numbers else set()


def alike(lesson: str, prints: dict[str, set[int]]) -> list[Pair]:
    """Return the pairs that share groups which are not everybody's."""
    holders: dict[int, list[str]] = defaultdict(list)
    for name, numbers in sorted(prints.items()):
        for number in numbers:
            holders[number].append(name)
    common = max(3, len(prints) // 4)
    own = {name: sum(len(holders[one]) <= common for one in numbers)
           for name, numbers in prints.items()}  # fmt: skip
    shared: Counter[tuple[str, str]] = Counter()
    for names in holders.values():
        if 1 < len(names) <= common:
            for at, first in enumerate(names):
                for second in names[at + 1 :]:
                    shared[first, second] += 1
    return [
        Pair(lesson, first, second, count / smaller, count)
        for (first, second), count in shared.items()
        if (smaller := min(own[first], own[second])) >= FEWEST
    ]
