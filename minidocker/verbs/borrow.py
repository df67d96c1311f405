"""`minidocker borrow`."""

from __future__ import annotations

import argparse

from minidocker.course import edit
from minidocker.course import exercise_file as subjects
from minidocker.course.journal import Journal
from minidocker.course.manifest import Manifest, load
from minidocker.course.printer import Printer, place
from minidocker.errors import NotFound, UsageError
from minidocker.verbs.parser import make

ABOUT = "Put the course's own version of one function into your file, for 0 points."
EXAMPLES = """\
examples:
  minidocker borrow spawn
  minidocker borrow --show spawn   only show it
"""


def main(argv: list[str]) -> int:
    """Run the word; return its exit status."""
    parser = make("borrow", ABOUT, EXAMPLES)
    parser.add_argument("function", help="a name that a lesson asks for")
    parser.add_argument("--show", action="store_true", help="show it, and change nothing")
    return borrow(load(), parser.parse_args(argv))


def borrow(manifest: Manifest, options: argparse.Namespace) -> int:
    """`minidocker borrow NAME`: the course's version into the learner's file, with a copy kept."""
    lesson, function = manifest.function(options.function)
    solution = subjects.read(manifest.root / "solutions" / lesson.file)
    if not solution:
        raise NotFound("this edition of the course has no solutions", "ask your teacher", 2)
    printer = Printer()
    if options.show:
        for line in edit.source_of(solution, function.name).splitlines():
            printer.line(line)
        return 0
    path = manifest.root / lesson.exercise
    text, why = subjects.look(path)
    if why:
        raise UsageError(f"{lesson.exercise} cannot be read: {why}",
                         f"minidocker reset {lesson.number}   (yours is kept)")  # fmt: skip
    new = edit.borrow(text or subjects.starter(manifest, lesson), solution, function.name)
    journal = Journal(manifest.root)
    copy = journal.replace(path, new)
    journal.add("borrow", lesson=lesson.id, function=function.name)
    printer.line(f"{function.name} in {lesson.exercise} is now the course's own, for 0 points.")
    if copy:
        printer.line(f"Your file as it was: {place(copy)}")
    printer.line(f"next: minidocker grade {lesson.number}")
    return 0
