"""`minidocker hint`: the next of three steps, chosen by the failure that was seen."""

from __future__ import annotations

import argparse

from minidocker.errors import NotFound, UsageError
from minidocker.grader.journal import Journal
from minidocker.grader.manifest import Lesson, Manifest
from minidocker.grader.report import Printer


def hint(manifest: Manifest, options: argparse.Namespace) -> int:
    """`minidocker hint`: the next of three steps for one failure; each one shown is recorded."""
    journal, printer = Journal(manifest.root), Printer()
    found = _failure(manifest, journal, options.what)
    if found is None:
        printer.line("Nothing failed when it was judged last.")
        printer.line("next: minidocker grade")
        return 0
    lesson, check_id, code, steps = found
    step = min(journal.hints_taken(check_id, code) + 1, len(steps))
    about = code if code not in ("", "MD9010") else "not started"
    printer.line(f"{lesson.id}, {check_id} ({about}): hint {step} of {len(steps)}", "bold")
    for line in steps[step - 1].splitlines():
        printer.line("  " + line)
    journal.add("hint", lesson=lesson.id, check=check_id, code=code, step=step)
    if step < len(steps):
        printer.line("more: minidocker hint" + (f" {options.what}" if options.what else ""))
    return 0


def _failure(
    manifest: Manifest, journal: Journal, what: str | None
) -> tuple[Lesson, str, str, tuple[str, ...]] | None:
    """Find what a hint is wanted for: (lesson, check, code, steps)."""
    if what and what.upper().startswith("MD"):
        return _by_code(manifest, journal, what.upper())
    checks = {check.id: lesson for lesson in manifest.lessons for check in lesson.checks}
    if what in checks:
        lesson, check = manifest.check(what)
        last = journal.last_grade(lesson.id)
        code = last["checks"].get(check.id, ["", ""])[1] if last else ""
        return lesson, check.id, code, lesson.hints_for(check, code)
    if what:
        lesson = manifest.lesson(what)
    else:
        last = journal.last_grade()
        lesson = manifest.lesson(last["lesson"]) if last else manifest.lessons[0]
        if last is not None and journal.first_open(lesson.id) is None:
            open_ones = [one for one in manifest.lessons if journal.first_open(one.id)]
            lesson = open_ones[0] if open_ones else lesson
    if journal.last_grade(lesson.id) is None:
        raise UsageError(
            f"lesson {lesson.id} was not judged yet", f"minidocker grade {lesson.number}"
        )
    found = journal.first_open(lesson.id)
    if found is None:
        return None
    _, check = manifest.check(found[0])
    return lesson, check.id, found[1], lesson.hints_for(check, found[1])


def _by_code(
    manifest: Manifest, journal: Journal, code: str
) -> tuple[Lesson, str, str, tuple[str, ...]]:
    """Find the hints for a message: those of the check that said it last, else of its lesson."""
    for entry in reversed(journal.entries()):
        for name, (_, seen) in (entry.get("checks") or {}).items():
            if seen == code:
                lesson, check = manifest.check(name)
                return lesson, check.id, code, lesson.hints_for(check, code)
    for lesson in manifest.lessons:
        if code in lesson.hints:
            return lesson, code, code, lesson.hints[code]
    raise NotFound(f"there are no hints for {code}", "minidocker hint LESSON", 2)
