"""The grader's verbs: grade, hint, borrow, progress, reset, watch; and "where am I"."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from minidocker.errors import MinidockerError
from minidocker.grader import edit
from minidocker.grader import outcomes as o
from minidocker.grader import subject as subjects
from minidocker.grader.grading import grade, watch
from minidocker.grader.hinting import hint
from minidocker.grader.journal import Journal
from minidocker.grader.manifest import Lesson, Manifest, load
from minidocker.grader.report import Printer

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
        "Show the next hint for what failed last: three steps, the last is a piece of code.",
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


# --- progress, status, watch -----------------------------------------------------------


def progress(manifest: Manifest, options: argparse.Namespace) -> int:
    """`minidocker progress`: points for each lesson, as judged last; then the lessons to come."""
    journal, printer = Journal(manifest.root), Printer()
    for lesson in manifest.lessons:
        printer.line(_progress_line(lesson, journal))
    for later in manifest.coming:
        printer.line(f"  {later.number}  {'to come':<12}         {later.title}", "dim")
    hints = sum(entry["do"] == "hint" for entry in journal.entries())
    lent = sum(len(journal.borrowed(lesson.id)) for lesson in manifest.lessons)
    printer.line(f"hints taken: {hints}; functions borrowed: {lent}")
    return 0


def _progress_line(lesson: Lesson, journal: Journal) -> str:
    last = journal.last_grade(lesson.id)
    if last is None or all(what == o.NOT_STARTED for what, _ in last["checks"].values()):
        return f"  {lesson.number}  {'not started':<12} {0:>3}/{lesson.points:<3}  {lesson.title}"
    done = all(what in (o.PASS, o.BLOCKED) for what, _ in last["checks"].values())
    word = "finished" if done else "begun"
    return f"  {lesson.number}  {word:<12} {last['earned']:>3}/{lesson.points:<3}  {lesson.title}"


def status(manifest: Manifest, options: argparse.Namespace) -> int:
    """`minidocker` alone: where you are, what failed last, the machine, the next command."""
    journal, printer = Journal(manifest.root), Printer()
    current = None
    for lesson in manifest.lessons:
        line = _progress_line(lesson, journal)
        printer.line(line)
        if current is None and " finished " not in line:
            current = lesson
    last = journal.last_grade(current.id) if current else None
    if last and last["message"]:
        printer.line("last message: " + last["message"].splitlines()[0])
    printer.line(_machine_line())
    if current is None:
        printer.line("All lessons that are written are finished.")
        printer.line("next: minidocker run --mine -it IMAGE sh   (--help for the rest)")
    elif last is None:
        printer.line(f"next: read {current.notebook}, then: minidocker grade {current.number}")
    elif journal.first_open(current.id) and last["message"]:
        printer.line(f"next: minidocker hint {current.number}, or edit {current.exercise}")
    else:
        printer.line(f"next: edit {current.exercise}, then: minidocker grade {current.number}")
    return 0


def _machine_line() -> str:
    if sys.platform != "linux":
        return "machine: not Linux; the lab machine can judge (minidocker vm up)"
    who = "root" if os.geteuid() == 0 else "not root: judging needs sudo"
    return f"machine: Linux {os.uname().release}, {who}   (minidocker doctor says more)"
