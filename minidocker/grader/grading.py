"""`minidocker grade` and `watch`: judge, print as it goes, record, say what comes next."""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

from minidocker.course import edit
from minidocker.course import exercise_file as subjects
from minidocker.course import outcomes as o
from minidocker.course.journal import Journal
from minidocker.course.manifest import Lesson, Manifest
from minidocker.course.printer import Printer, as_json
from minidocker.errors import NotFound, UsageError
from minidocker.grader import judge


def grade(manifest: Manifest, options: argparse.Namespace) -> int:
    """`minidocker grade`: judge, print as it goes, record, report."""
    if options.fresh or (options.csv and not options.directory):
        raise UsageError("--fresh and --csv are for the lab machine", "minidocker grade --on vm")
    lessons = _lessons(manifest, options.lesson)
    directory = manifest.root / "exercises"
    if options.directory is not None:
        if len(options.directory) > 1 or options.csv:
            raise UsageError(
                "other people's files belong in a machine that is put back for each",
                "minidocker grade --on vm --from DIR…",
            )
        directory = Path(options.directory[0])
        if not directory.is_dir():
            raise NotFound(f"there is no directory {directory}", "name one with exercise files", 2)
    results = _judge(
        manifest, lessons, directory, Printer(quiet=options.json == "-"),
        record=options.directory is None,
    )  # fmt: skip
    if options.json:
        _write(options.json, json.dumps(as_json(lessons, results), indent=2, ensure_ascii=False))
    return o.exit_code(result.outcome for result in results)


def _lessons(manifest: Manifest, names: list[str]) -> list[Lesson]:
    chosen = [manifest.lesson(name) for name in names]
    return [one for one in manifest.lessons if one in chosen] if names else list(manifest.lessons)


def _write(file: str, text: str) -> None:
    if file == "-":
        print(text)
        return
    path, new = Path(file), Path(f"{file}.{os.getpid()}.new")
    try:
        if path.exists() and not path.is_file():  # a device or a pipe: nothing to rename onto
            path.write_text(text + "\n", encoding="utf-8")
            return
        new.write_text(text + "\n", encoding="utf-8")
        os.replace(new, path)
    except OSError as problem:
        new.unlink(missing_ok=True)
        raise UsageError(f"cannot write {file}: {problem.strerror}", "name another file") from None


def _judge(
    manifest: Manifest, lessons: list[Lesson], directory: Path, printer: Printer, record: bool
) -> list[o.Result]:
    """Judge and print; what was borrowed earns nothing; record, and say what comes next."""
    journal = Journal(manifest.root)
    borrowed = {
        lesson.id: _borrowed(manifest, lesson, directory, journal) if record else set()
        for lesson in lessons
    }
    head: list[str] = []

    def show(result: o.Result) -> None:
        lesson, check = next(
            (one, c) for one in lessons for c in one.checks if c.id == result.check
        )
        mine = check.functions[0] not in borrowed[lesson.id]
        result.earned = result.earned if mine else 0
        if lesson.id not in head:
            head.append(lesson.id)
            printer.lesson(lesson)
        printer.result(result, borrowed=not mine and result.outcome == o.PASS)

    tasks = judge.tasks_for(manifest, lessons, directory)
    results = judge.judge(manifest, tasks, show)
    if record:
        for lesson in lessons:
            text = subjects.read(directory / lesson.file)
            journal.graded(lesson.id, text, [r for r in results if r.lesson == lesson.id])
    printer.total(results)
    if record:
        _offer(manifest, lessons, results, journal, printer)
    return results


def _borrowed(manifest: Manifest, lesson: Lesson, directory: Path, journal: Journal) -> set[str]:
    """Return the names that were borrowed and are still the course's own."""
    text = subjects.read(directory / lesson.file)
    solution = subjects.read(manifest.root / "solutions" / lesson.file)
    return {name for name in journal.borrowed(lesson.id) if edit.same(text, solution, name)}


def _offer(
    manifest: Manifest, lessons: list[Lesson], results: list[o.Result], journal: Journal,
    printer: Printer,
) -> None:  # fmt: skip
    """Say the next command: a hint; after three different failing edits, borrowing too."""
    failed = next((r for r in results if r.outcome == o.FAIL), None)
    if failed is None:
        unstarted = next((r for r in results if r.outcome == o.NOT_STARTED), None)
        if unstarted is not None:
            printer.line(f"next: edit {manifest.lesson(unstarted.lesson).exercise}")
        return
    printer.line(f"next: minidocker hint {manifest.lesson(failed.lesson).number}")
    if journal.failed_edits(failed.check) >= 3:
        _, check = manifest.check(failed.check)
        printer.line(f"or:   minidocker borrow {check.functions[0]}   (0 points, and on you go)")


def watch(manifest: Manifest, options: argparse.Namespace) -> int:
    """`minidocker watch`: judge a lesson when its file changes, until Ctrl-C."""
    lessons = _lessons(manifest, options.lesson)
    printer = Printer()
    seen: dict[str, float] = {}
    printer.line("Save a file to have it judged. Ctrl-C ends.")
    while True:
        for lesson in lessons:
            path = manifest.root / lesson.exercise
            try:
                changed = path.stat().st_mtime
            except FileNotFoundError:
                continue  # some editors replace a file: it is back in a moment
            if seen.get(lesson.id) != changed:
                seen[lesson.id] = changed
                printer.line(time.strftime("%H:%M:%S"))
                _judge(manifest, [lesson], manifest.root / "exercises", printer, record=True)
        time.sleep(0.3)
