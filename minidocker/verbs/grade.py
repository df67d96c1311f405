"""The grader's verbs: grade, hint, borrow, progress, reset, watch; and "where am I"."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from minidocker.course import edit
from minidocker.course import exercise_file as subjects
from minidocker.course.journal import Journal
from minidocker.course.manifest import Manifest, load
from minidocker.course.printer import Printer
from minidocker.errors import MinidockerError
from minidocker.grader.grading import grade, watch
from minidocker.grader.hinting import hint
from minidocker.grader.standing import progress, status

HELP = {
    "grade": (
        "Judge your exercises on the real kernel.",
        "  minidocker grade                all lessons\n"
        "  minidocker grade 01             one lesson\n"
        "  minidocker grade --json -       the report as JSON\n"
        "  minidocker grade --on vm        in the lab machine, which lacks nothing\n"
        "  minidocker grade 01 --on vm --from class/* --csv marks.csv\n"
        "                                  other people's files, each in a pristine machine\n\n"
        "exit status: 0 all passed, 1 something failed or is not started,\n"
        "3 something cannot be shown on this machine, 4 the grader has a fault",
    ),
    "hint": (
        "Show the next hint for what failed last: three steps, the last is a piece of code.\n"
        "After three different tries there is more: our lines in mixed order, then yours and ours\n"
        "compared, call by call.",
        "  minidocker hint                 for the lesson graded last\n"
        "  minidocker hint 01              for a lesson\n"
        "  minidocker hint MD0101          for a message",
    ),
    "borrow": (
        "Put the course's own version of one function into your file, for 0 points.",
        "  minidocker borrow spawn\n  minidocker borrow --show spawn   only show it",
    ),
    "progress": ("Show your points, lesson by lesson.", "  minidocker progress"),
    "reset": (
        "Start an exercise file again; what you have is kept as a copy.",
        "  minidocker reset 01",
    ),
    "watch": ("Judge a lesson again whenever its file is saved.", "  minidocker watch 01"),
    "status": ("Where you are in the course, and what comes next.", "  minidocker"),
}


def main(argv: list[str]) -> int:
    """Run one verb; argv[0] names it. Returns the exit status."""
    verb, rest = argv[0], argv[1:]
    options = _parser(verb).parse_args(rest)
    if verb == "grade" and options.on:
        from minidocker.vm import remote

        return remote.grade(options)
    manifest = load()
    verbs = {"grade": grade, "hint": hint, "borrow": borrow, "progress": progress,
             "reset": reset, "watch": watch, "status": status}  # fmt: skip
    return verbs[verb](manifest, options)


def _parser(verb: str) -> argparse.ArgumentParser:
    about, examples = HELP[verb]
    parser = argparse.ArgumentParser(
        prog=f"minidocker {verb}", description=about, epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    if verb == "grade":
        parser.add_argument("lesson", nargs="*", help="01, 1 or 01_pid; none means all")
        parser.add_argument("--from", dest="directory", metavar="DIR", nargs="+",
                            help="judge the exercise files in DIR, and record nothing")  # fmt: skip
        parser.add_argument("--json", metavar="FILE", help="write a report; - is standard output")
        parser.add_argument("--csv", metavar="FILE",
                            help="marks, a line a DIR; later, only changes are judged")  # fmt: skip
        parser.add_argument("--on", metavar="MACHINE", help="judge in the lab machine: vm, vagrant")
        parser.add_argument("--fresh", action="store_true",
                            help="with --on vm: put that machine back first")  # fmt: skip
    elif verb == "hint":
        parser.add_argument("what", nargs="?", help="a lesson, a check or a message code")
    elif verb == "borrow":
        parser.add_argument("function", help="a name that a lesson asks for")
        parser.add_argument("--show", action="store_true", help="show it, and change nothing")
    elif verb == "reset":
        parser.add_argument("lesson")
    elif verb == "watch":
        parser.add_argument("lesson", nargs="*", help="01, 1 or 01_pid; none means all")
    return parser


# --- borrow, reset ---------------------------------------------------------------------


def borrow(manifest: Manifest, options: argparse.Namespace) -> int:
    """`minidocker borrow NAME`: the course's version into the learner's file, with a copy kept."""
    lesson, function = manifest.function(options.function)
    solution = subjects.read(manifest.root / "solutions" / lesson.file)
    printer = Printer()
    if options.show:
        for line in edit.source_of(solution, function.name).splitlines():
            printer.line(line)
        return 0
    path = manifest.root / lesson.exercise
    text = subjects.read(path) or subjects.starter(manifest, lesson)
    new = edit.borrow(text, solution, function.name)
    journal = Journal(manifest.root)
    copy = journal.keep(lesson.file, text)
    path.write_text(new, encoding="utf-8")
    journal.own(path)
    journal.add("borrow", lesson=lesson.id, function=function.name)
    printer.line(f"{function.name} in {lesson.exercise} is now the course's own, for 0 points.")
    printer.line(f"Your file as it was: {_short(copy)}")
    printer.line(f"next: minidocker grade {lesson.number}")
    return 0


def reset(manifest: Manifest, options: argparse.Namespace) -> int:
    """`minidocker reset LESSON`: the exercise file as it was at first; yours is kept."""
    lesson = manifest.lesson(options.lesson)
    path = manifest.root / lesson.exercise
    journal, printer = Journal(manifest.root), Printer()
    begin = subjects.starter(manifest, lesson)
    if not begin:
        raise MinidockerError(f"{lesson.exercise} has no starter", "git checkout exercises")
    text = subjects.read(path)
    if text == begin:
        printer.line(f"{lesson.exercise} is as it was at first: nothing to do.")
        return 0
    if text:
        copy = journal.keep(lesson.file, text)
        journal.add("reset", lesson=lesson.id, copy=copy.name)
        printer.line(f"Your file is kept: {_short(copy)}")
    path.write_text(begin, encoding="utf-8")
    journal.own(path)
    printer.line(f"{lesson.exercise} is as it was at first.")
    return 0


def _short(path: Path) -> str:
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("../..") else relative
