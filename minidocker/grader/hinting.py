"""`minidocker hint`: the next of three steps, chosen by the failure seen; then after_hints."""

from __future__ import annotations

import argparse

from minidocker.course import own_names
from minidocker.course.journal import Journal
from minidocker.course.manifest import Lesson, Manifest
from minidocker.course.outcomes import FAIL, OF_THE_FILE
from minidocker.course.printer import Printer, typed
from minidocker.errors import NotFound, UsageError
from minidocker.grader import after_hints


def hint(manifest: Manifest, options: argparse.Namespace) -> int:
    """`minidocker hint`: the next of three steps for one failure; each one shown is recorded."""
    journal, printer = Journal(manifest.root), Printer()
    found = _failure(manifest, journal, options.what)
    if found is None:
        printer.line("Nothing failed when it was judged last.")
        printer.line(f"next: {typed('grade')}")
        return 0
    lesson, check_id, code, steps = found
    about = code if code not in ("", "MD9010") else "not started"
    head = f"{lesson.id}, {check_id} ({about}):"
    key = code if code in lesson.hints else ""  # without hints of its own it has the check's
    taken, tried = journal.hints_taken(check_id, key), journal.failed_edits(check_id)
    check = next((one for one in lesson.checks if one.id == check_id), None)
    names = own_names.read(manifest.root, lesson.id)
    about_these = check.functions if check and not code.startswith("MD90") else ()
    steps = tuple(own_names.followed(step, names, about_these) for step in steps)
    tries = check is not None and code not in OF_THE_FILE
    after = after_hints.helps(manifest, lesson, check) if check and tries else []
    if check and after and taken >= len(steps) and tried >= after_hints.TRIES:
        at = min(taken - len(steps), len(after) - 1)
        title, lines = after[at]
        printer.line(f"{head} after the hints", "bold")
        told = [own_names.followed(line, names, about_these) for line in lines()]
        _show(printer, [title, *told])
        journal.add("hint", lesson=lesson.id, check=check_id, code=key, step=len(steps) + at + 1)
        _more(printer, options.what, at + 1 < len(after))
        printer.line(f"or:   minidocker borrow {check.functions[0]}   (0 points, and on you go)")
        return 0
    step = min(taken + 1, len(steps))
    printer.line(f"{head} hint {step} of {len(steps)}", "bold")
    _show(printer, steps[step - 1].splitlines())
    journal.add("hint", lesson=lesson.id, check=check_id, code=key, step=step)
    last = step == len(steps)
    _more(printer, options.what, not last or bool(after and tried >= after_hints.TRIES))
    if last and after and tried < after_hints.TRIES:
        printer.line(f"There is more after {after_hints.TRIES} different tries; so far: {tried}.")
    return 0


def _show(printer: Printer, lines: list[str]) -> None:
    for line in lines:
        printer.line("  " + line)


def _more(printer: Printer, what: str | None, left: bool) -> None:
    """Say how to get the next help, when there is one."""
    if left:
        printer.line("more: " + typed("hint" + (f" {what}" if what else "")))


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
    named = {name for lesson in manifest.lessons for c in lesson.checks for name in c.functions}
    if what in named:
        return _by_function(manifest, journal, what)
    if what:
        lesson = manifest.lesson_meant(what)
    else:
        last = journal.last_grade()
        lesson = manifest.lesson(last["lesson"]) if last else manifest.lessons[0]
        if last is not None and journal.first_open(lesson.id) is None:
            open_ones = [one for one in manifest.lessons if journal.first_open(one.id)]
            lesson = open_ones[0] if open_ones else lesson
    if journal.last_grade(lesson.id) is None:
        raise UsageError(
            f"lesson {lesson.id} was not judged yet", typed(f"grade {lesson.number}")
        )
    found = journal.first_open(lesson.id)
    if found is None:
        return None
    _, check = manifest.check(found[0])
    return lesson, check.id, found[1], lesson.hints_for(check, found[1])


def _by_function(
    manifest: Manifest, journal: Journal, name: str
) -> tuple[Lesson, str, str, tuple[str, ...]]:
    """Find the hints for a function: those of its check that failed last, else of its first one."""
    lesson, checks = manifest.named(name)
    last = journal.last_grade(lesson.id)
    outcomes = last["checks"] if last else {}
    failed = [one for one in checks if outcomes.get(one.id, [""])[0] == FAIL]
    check = (failed or list(checks))[0]
    code = outcomes.get(check.id, ["", ""])[1]
    return lesson, check.id, code, lesson.hints_for(check, code)


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
    for lesson in manifest.lessons:
        if code in lesson.messages:
            text = f"{code} is a message of lesson {lesson.number} without hints of its own"
            remedy = f"{typed(f'grade {lesson.number}')}, then {typed(f'hint {lesson.number}')}"
            raise NotFound(text, remedy, 2)
    raise NotFound(f"there is no message {code}", "minidocker hint LESSON", 2)
