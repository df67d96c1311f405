"""Variants: what one learner is given and asked differs in names and numbers from another's.

    names     in the exercise that a login gets, the local variables that are given: `the_file`
    numbers   what the checks draw for a submission: from the login, and from the text handed in

A name that came from somebody else's exercise says so in `class compare`. A number that was read in
another one's message is not asked again; nor is one's own, once the text is another one.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import io
import re
import tokenize
from collections.abc import Iterable, Iterator, Mapping, Sequence

from minidocker.classroom.classfile import Class, Student
from minidocker.course import exercise_file as subjects

FORMS = ("the_{}", "this_{}", "that_{}", "my_{}", "our_{}", "one_{}", "a_{}", "{}_here", "{}_now",
         "{}_used")  # fmt: skip
WORD = re.compile(r"(?<![\w.])[A-Za-z]\w*")
QUOTED = re.compile(r"`[^`]*`")
ENOUGH = 2
"""So many names of somebody else's exercise are told: one alone may be chance."""


def seeds(room: Class, logins: Iterable[str]) -> list[str]:
    """Return what a submission's variants are made from, one a login; [] where they are off."""
    chosen = sorted(set(logins) - {""}) if room.variants else []
    return [f"{room.salt} {login}" for login in chosen]


def each(room: Class) -> Iterator[tuple[Student, str]]:
    """Yield every student of the roster with their seed; nobody where variants are off."""
    for one in room.students:
        for seed in seeds(room, [one.login]):
            yield one, seed


def form(seed: str, function: str, name: str) -> str:
    """Return what a given name of a function is called in one variant."""
    number = hashlib.sha256(f"{seed} {function} {name}".encode()).digest()[0]
    return FORMS[number % len(FORMS)].format(name)


@functools.lru_cache(maxsize=64)
def functions(text: str) -> dict[str, tuple[str, ...]]:
    """Return function → the names in it that may be called anything, for an exercise's text."""
    tree = subjects.parse(text)
    taken = {one.id for one in ast.walk(tree) if isinstance(one, ast.Name)}
    found = {}
    for function, node in subjects.items(tree).items():
        if isinstance(node, ast.FunctionDef):
            found[function] = tuple(
                name for name in sorted(given(node))
                if not taken & {one.format(name) for one in FORMS}
                and _same(text, _renamed(text, {function: {name: f"the_{name}"}}), function, name)
            )  # fmt: skip
    return found


def given(node: ast.FunctionDef) -> set[str]:
    """Return the local variables of a function; no parameter is one, and no name of an import."""
    stored, others = set(), set()
    for one in ast.walk(node):
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store):
            stored.add(one.id)
        elif isinstance(one, ast.Global | ast.Nonlocal):
            others.update(one.names)
        elif isinstance(one, ast.arg | ast.keyword):
            others.add(one.arg or "")
        elif isinstance(one, ast.FunctionDef | ast.ClassDef | ast.ExceptHandler):
            others.add(one.name or "")
        elif isinstance(one, ast.alias):
            others.add(one.asname or one.name)
    return {one for one in stored - others if one.islower()}


def _same(before: str, after: str, function: str, name: str) -> bool:
    """Say whether two texts are one program but for `name`, now the_name; no text differs."""
    first = ast.parse(before)
    for one in ast.walk(subjects.items(first)[function]):
        if isinstance(one, ast.Name) and one.id == name:
            one.id = f"the_{name}"
    return ast.dump(first) == ast.dump(ast.parse(after))


def names_of(text: str, seed: str) -> dict[str, dict[str, str]]:
    """Return function → given name → what it is called in one login's exercise."""
    return {
        function: {name: form(seed, function, name) for name in names}
        for function, names in functions(text).items() if names
    }  # fmt: skip


def variant(text: str, seed: str) -> str:
    """Return an exercise as one login gets it: the same code, the given names of its own."""
    return _renamed(text, names_of(text, seed))


def _renamed(text: str, new: Mapping[str, Mapping[str, str]]) -> str:
    """Write names of functions anew; docstrings and the prose of comments stay."""
    nodes = subjects.items(subjects.parse(text))
    lines = text.splitlines(keepends=True)
    comments = {token.start[0]: token.start[1]
                for token in tokenize.generate_tokens(io.StringIO(text).readline)
                if token.type == tokenize.COMMENT}  # fmt: skip
    for function, names in new.items():
        node = nodes[function]
        assert isinstance(node, ast.FunctionDef)
        documented = ast.get_docstring(node, clean=False) is not None
        first = (node.body[0].end_lineno or 0) if documented else node.lineno

        def put(code: str, names: Mapping[str, str] = names) -> str:
            return WORD.sub(lambda found: names.get(found[0], found[0]), code)

        for at in range(first, node.end_lineno or first):
            code = lines[at][: comments.get(at + 1, len(lines[at]))]
            said = lines[at][len(code) :]
            lines[at] = put(code) + QUOTED.sub(lambda found: put(found[0]), said)
    return "".join(lines)


def begun_with(text: str, standard: str, seeds: Sequence[str]) -> str:
    """Return the exercise that a text began with: the course's, or one of its owners' variants."""
    choices = [standard, *(variant(standard, seed) for seed in seeds)]
    if len(choices) == 1:
        return standard
    mine = subjects.shape_of(text).items

    def alike(begun: str) -> int:
        return sum(mine.get(name) == code for name, code in subjects.shape_of(begun).items.items())

    return max(choices, key=alike)


def strangers(
    text: str, standard: str, own: Sequence[str], others: Mapping[str, str]
) -> tuple[list[str], list[str]]:
    """Return (names in a text that another's exercise gave, the logins whose exercise gives all).

    own: the seeds of who handed it in; others: login → seed of everybody else.
    """
    theirs = {name: {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
              for name, node in subjects.items(subjects.parse(text)).items()}  # fmt: skip
    foreign = []
    for function, names in functions(standard).items():
        for old in names:
            forms = {one.format(old) for one in FORMS} - {form(seed, function, old) for seed in own}
            foreign += [(function, old, one) for one in theirs.get(function, set()) & forms]
    if len(foreign) < ENOUGH:
        return [], []
    owners = [
        login for login, seed in others.items()
        if all(form(seed, function, old) == one for function, old, one in foreign)
    ]  # fmt: skip
    return sorted({one for _, _, one in foreign}), owners

