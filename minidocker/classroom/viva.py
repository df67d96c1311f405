"""`minidocker class viva LOGIN`: three questions on two functions of the learner's own.

Who wrote the lines can say what would happen without one of them. The questions are drawn from the
login and the class's salt: the same each time they are asked for, another set for each learner.
"""

from __future__ import annotations

import ast
import random
import re
from argparse import Namespace
from collections.abc import Callable
from typing import Any

from minidocker.classroom import incoming, variants
from minidocker.classroom.archives import Damaged
from minidocker.classroom.exporting import course, open_class
from minidocker.course import exercise_file as subjects
from minidocker.course import outcomes as o
from minidocker.course.manifest import Lesson
from minidocker.errors import NotFound

Asked = tuple[str, str, int, str]
"""Lesson, function, line in the file, question."""


def viva(options: Namespace) -> int:
    """Print a learner's questions, with the lines that they are about."""
    room, store = open_class(options.file)
    student = room.student(options.login)
    record = next((found for login in room.partners(student.login)
                   if (found := store.one(login)) and found.get("files")), None)  # fmt: skip
    if record is None:
        raise NotFound(f"nothing of {student.login} is judged yet", "minidocker class grade …", 2)
    manifest = course()
    seeds = variants.seeds(room, [*room.partners(student.login), *record.get("others", ())])

    def begun(text: str, lesson: Lesson) -> str:
        return variants.begun_with(text, subjects.starter(manifest, lesson), seeds)

    own = []
    for report in record["lessons"]:
        lesson = manifest.lesson(report["id"])
        text = record["files"].get(lesson.id, {}).get("text", "")
        names = [function.name for function in lesson.functions]
        left_out = [*report["ours"], *report["borrowed"]]
        try:
            told = incoming.guarded(candidates, text, begun(text, lesson), names, left_out)
        except Damaged:
            continue
        own += [(lesson.id, name, asked) for name, asked in told]
    asked = drawn(own, f"{room.salt} {student.login}")
    if not asked:
        raise NotFound(f"{student.login} has no function of their own that is long enough",
                       "ask for one that was borrowed: why does it do that?", 1)  # fmt: skip
    print(o.inert(f"{student.login}: three questions. No answer is written down anywhere."))
    for number, (lesson_id, name, line, question) in enumerate(asked, 1):
        print(o.inert(f"{number}. {lesson_id}, {name}, line {line}: {question}"))
    return 0


def drawn(own: list[Any], seed: str) -> list[Asked]:
    """Draw three questions on two functions; the longest functions first have their chance."""
    dice = random.Random(seed)
    own = sorted((one for one in own if one[2]), key=lambda one: -len(one[2]))[:6]
    chosen = dice.sample(own, min(2, len(own)))
    found: list[Asked] = []
    pools = [[(lesson, name, line, question) for line, question in asked]
             for lesson, name, asked in chosen]  # fmt: skip
    for pool in pools:
        dice.shuffle(pool)
    while len(found) < 3 and any(pools):
        for pool in pools:
            if pool and len(found) < 3:
                found.append(pool.pop())
    return sorted(found)


def candidates(text: str, given: str, names: list[str], left_out: list[str]) -> list[Any]:
    """Return [function, [[line, question]]] of those that are neither given nor borrowed."""
    try:
        mine = subjects.items(subjects.parse(text))
    except SyntaxError:
        return []
    begun = subjects.items(subjects.parse(given))
    lines = re.split(r"\r\n|\r|\n", text)  # as Python counts them: no form feed ends one
    found = []
    for name in names:
        node = mine.get(name)
        same = name in begun and node is not None and ast.dump(node) == ast.dump(begun[name])
        if name in left_out or same or not isinstance(node, ast.FunctionDef):
            continue
        asked = [
            [one.lineno, question(lines[one.lineno - 1].strip()[:120])]
            for one in ast.walk(node)
            if isinstance(one, ast.stmt | ast.ExceptHandler) and not _comment(one)
            and (question := _question(one))
        ]
        if len(asked) >= 2:
            found.append([name, asked[:40]])
    return found


def _comment(node: ast.AST) -> bool:
    """Say whether a statement is a text and nothing else: a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _question(node: ast.AST) -> Callable[[str], str] | None:
    """Return what to ask about a statement, as a function of its line; None of most."""
    for kinds, said in QUESTIONS:
        if isinstance(node, kinds):
            return lambda line, said=said: said.format(line=line)  # type: ignore[misc]
    return None


QUESTIONS: tuple[tuple[Any, str], ...] = (
    (ast.Try, "Which call below `{line}` can fail, and what does the kernel say then?"),
    (ast.ExceptHandler, "When does `{line}` happen? What would the caller see without it?"),
    (ast.If, "Give one case in which `{line}` is true, and one in which it is not."),
    (ast.For, "How often does `{line}` go round, and what decides that?"),
    (ast.While, "What ends `{line}`? What would keep it from ending?"),
    (ast.Return, "Who uses what `{line}` gives back, and what for?"),
    (ast.Expr, "What would the kernel show if `{line}` came one line later, or not at all?"),
    (ast.Assign, "What does `{line}` hold at that moment, for a container that runs?"),
)
