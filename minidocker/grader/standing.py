"""Where a learner stands: what is finished, what failed last, the machine, and what is next."""

from __future__ import annotations

import argparse
import os
import sys

from minidocker.course import outcomes as o
from minidocker.course.journal import Journal
from minidocker.course.manifest import Lesson, Manifest
from minidocker.course.printer import Printer, typed
from minidocker.course.state import DONE, DONE_HERE, state


def progress(manifest: Manifest, options: argparse.Namespace) -> int:
    """`minidocker progress`: points for each lesson, as judged last."""
    journal, printer = Journal(manifest.root), Printer()
    for lesson in manifest.lessons:
        printer.line(_line(lesson, journal))
    hints = sum(entry["do"] == "hint" for entry in journal.entries())
    lent = sum(len(journal.borrowed(lesson.id)) for lesson in manifest.lessons)
    printer.line(f"hints taken: {hints}; functions borrowed: {lent}")
    return 0


def status(manifest: Manifest, options: argparse.Namespace) -> int:
    """`minidocker` alone: where you are, what failed last, the machine, the next command."""
    journal, printer = Journal(manifest.root), Printer()
    for lesson in manifest.lessons:
        printer.line(_line(lesson, journal))
    here = current(manifest, journal)
    if here is None:
        printer.line(_machine(None))
        printer.line("All lessons are finished.")
        printer.line("next: minidocker run --mine -it IMAGE sh   (--help for the rest)")
        return 0
    last = journal.last_grade(here.id)
    failed = bool(last and last["message"])
    if last and failed:
        _, code = journal.first_open(here.id) or ("", "")
        first = last["message"].splitlines()[0]
        printer.line(f"last message, lesson {here.number}: {code}  {first}")
    printer.line(_machine(here))
    if last is None:
        printer.line(f"next: read {here.notebook}, then: {typed(f'grade {here.number}')}")
    elif failed:
        printer.line(f"next: {typed(f'hint {here.number}')}, or edit {here.exercise}")
    else:
        printer.line(f"next: edit {here.exercise}, then: {typed(f'grade {here.number}')}")
    return 0


def current(manifest: Manifest, journal: Journal) -> Lesson | None:
    """Return the lesson to go on with: the one worked on last, or the next one that is open.

    No lesson blocks the next: who went on to a later one finds that one again, not the first gap.
    """
    latest = 0
    numbers = {lesson.id: at for at, lesson in enumerate(manifest.lessons)}
    for entry in journal.entries():
        begun = entry["do"] == "grade" and not _untouched(entry["checks"])
        if begun and entry["lesson"] in numbers:
            latest = numbers[entry["lesson"]]
    ordered = manifest.lessons[latest:] + manifest.lessons[:latest]
    return next((lesson for lesson in ordered if state(lesson, journal) not in DONE), None)


def _untouched(checks: dict[str, list[str]]) -> bool:
    return all(what in (o.NOT_STARTED, o.BLOCKED) for what, _ in checks.values())


def _line(lesson: Lesson, journal: Journal) -> str:
    how_far, last = state(lesson, journal), journal.last_grade(lesson.id)
    earned = last["earned"] if last and how_far != "not started" else 0
    line = f"  {lesson.number}  {how_far:<12} {earned:>3}/{lesson.points:<3}  {lesson.title}"
    if how_far == DONE_HERE:
        rest = f"minidocker grade {lesson.number} --on vm"
        line += f": all that can be done here   (the rest: {rest})"
    return line


def _machine(lesson: Lesson | None) -> str:
    """Say what this machine is, and what it lacks for a lesson."""
    if sys.platform != "linux":
        return "machine: not Linux; the lab machine can judge (minidocker vm up)"
    who = "root" if os.geteuid() == 0 else "not root: some checks need sudo"
    told = f"machine: Linux {os.uname().release}, {who}"
    if lesson is None:
        return f"{told}   (minidocker doctor says more)"
    from minidocker.doctor import doctor  # a third of a second, and for nothing else here

    gaps = doctor.missing(lesson.needs, doctor.features())
    if gaps:
        names = ", ".join(gaps)
        return f"{told}; for lesson {lesson.number} it lacks: {names}   (minidocker doctor)"
    return f"{told}; it has all that lesson {lesson.number} needs"
