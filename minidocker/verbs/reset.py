"""`minidocker reset`."""

from __future__ import annotations

import argparse

from minidocker.course import exercise_file as subjects
from minidocker.course.journal import Journal
from minidocker.course.manifest import Manifest, load
from minidocker.course.printer import Printer, place
from minidocker.errors import MinidockerError
from minidocker.verbs.parser import make

ABOUT = "Start an exercise file again; what you have is kept as a copy."
EXAMPLES = """\
examples:
  minidocker reset 01
"""


def main(argv: list[str]) -> int:
    """Run the word; return its exit status."""
    parser = make("reset", ABOUT, EXAMPLES)
    parser.add_argument("lesson")
    return reset(load(), parser.parse_args(argv))


def reset(manifest: Manifest, options: argparse.Namespace) -> int:
    """`minidocker reset LESSON`: the exercise file as it was at first; yours is kept."""
    lesson = manifest.lesson(options.lesson)
    path = manifest.root / lesson.exercise
    journal, printer = Journal(manifest.root), Printer()
    begin = subjects.starter(manifest, lesson)
    if not begin:
        raise MinidockerError(f"{lesson.exercise} has no starter", "git checkout exercises")
    text, why = subjects.look(path)
    if text == begin and not why:
        printer.line(f"{lesson.exercise} is as it was at first: nothing to do.")
        return 0
    copy = journal.replace(path, begin)
    if copy:
        journal.add("reset", lesson=lesson.id, copy=copy.name)
        printer.line(f"Your file is kept: {place(copy)}")
    printer.line(f"{lesson.exercise} is as it was at first.")
    return 0
