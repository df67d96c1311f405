"""`minidocker grade` and `watch`: judge, print as it goes, record, say what comes next."""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

from minidocker.chamber.cell_needs import PACKAGE
from minidocker.course import edit
from minidocker.course import exercise_file as subjects
from minidocker.course import outcomes as o
from minidocker.course.journal import Journal
from minidocker.course.manifest import Lesson, Manifest, load
from minidocker.course.printer import Printer, as_json, typed
from minidocker.errors import NotFound, UsageError
from minidocker.grader import judge


def grade(manifest: Manifest, options: argparse.Namespace) -> int:
    """`minidocker grade`: judge, print as it goes, record, report."""
    if options.fresh or (options.csv and not options.directory):
        raise UsageError("--fresh and --csv are for the lab machine", "minidocker grade --on vm")
    if options.directory and not os.environ.get("MINIDOCKER_COURSE"):
        manifest = load(PACKAGE.parent)  # not one that may lie beside the submitted files
    judging = judge.course_that_judges(manifest)
    if judging != PACKAGE.parent and options.json != "-":
        print(f"judged by the course in {judging}")
    wanted = chosen(manifest, options.lesson, options.failing)
    lessons = [lesson for lesson in manifest.lessons if lesson.id in wanted]
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
        manifest, wanted, directory, Printer(quiet=options.json == "-"),
        record=options.directory is None,
    )  # fmt: skip
    if options.json:
        _write(options.json, json.dumps(as_json(lessons, results), indent=2, ensure_ascii=False))
    return o.exit_code(result.outcome for result in results)


Wanted = dict[str, tuple[str, ...]]
"""Lesson → the checks of it that are to judge."""


def chosen(manifest: Manifest, names: list[str], failing: bool = False) -> Wanted:
    """Return what is to be judged: lessons, functions or checks by name; none means all.

    failing: of these, only what failed when it was judged last.
    """
    found: dict[str, list[str]] = {}
    for name in names or [lesson.id for lesson in manifest.lessons]:
        lesson, checks = manifest.named(name)
        found.setdefault(lesson.id, []).extend(check.id for check in checks)
    if failing:
        journal = Journal(manifest.root)
        for lesson_id, ids in found.items():
            failed = journal.failed(lesson_id)
            found[lesson_id] = [one for one in ids if one in failed]
        if not any(found.values()):
            raise NotFound("nothing failed when it was judged last", "minidocker grade", 0)
    order = {check.id: at for le in manifest.lessons for at, check in enumerate(le.checks)}
    return {le: tuple(sorted(set(ids), key=order.__getitem__)) for le, ids in found.items() if ids}


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
    manifest: Manifest, wanted: Wanted, directory: Path, printer: Printer, record: bool,
    one: bool = False,
) -> list[o.Result]:  # fmt: skip
    """Judge and print; what was borrowed earns nothing; record, and say what comes next.

    one: print the first exercise that is not done, and the sum.
    """
    journal = Journal(manifest.root)
    lessons = [lesson for lesson in manifest.lessons if lesson.id in wanted]
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
        if one:
            return
        if lesson.id not in head:
            head.append(lesson.id)
            printer.lesson(lesson)
        printer.result(result, borrowed=not mine and result.outcome == o.PASS)

    tasks = judge.tasks_for(manifest, wanted, directory)
    # What is judged, and not what the file holds when all is over: it may be edited meanwhile.
    texts = judge.texts(tasks)
    results = judge.judge(manifest, tasks, show)
    if one:
        _show_open(lessons[0], results, printer)
    if record:
        for lesson in lessons:
            new = [r for r in results if r.lesson == lesson.id]
            kept = _kept(lesson, new, journal, borrowed[lesson.id])
            journal.graded(lesson.id, texts[lesson.id], new, kept)
    printer.total(results)
    if record:
        _offer(manifest, lessons, results, journal, printer)
        for lesson in lessons:
            _explain(lesson, journal, printer)
    return results


def _show_open(lesson: Lesson, results: list[o.Result], printer: Printer) -> None:
    """Print the results of the first exercise that is not done; a lesson's order is theirs."""
    found = {result.check: result for result in results}
    for function in lesson.functions:
        mine = [found[c.id] for c in lesson.checks if c.functions[0] == function.name
                and c.id in found]  # fmt: skip
        if any(result.outcome not in (o.PASS, o.BLOCKED) for result in mine):
            printer.line(f"{lesson.id}  {function.name}: {function.summary}", "bold")
            for result in mine:
                printer.result(result)
            return


def _kept(
    lesson: Lesson, new: list[o.Result], journal: Journal, borrowed: set[str]
) -> list[o.Result]:
    """Return the outcomes of the checks that did not judge this time, as they were last time."""
    last = journal.last_grade(lesson.id)
    judged = {result.check for result in new}
    kept = []
    for check in lesson.checks:
        if check.id not in judged:
            outcome, code = (last or {"checks": {}})["checks"].get(check.id, [o.NOT_STARTED, ""])
            mine = code != o.AS_GIVEN and check.functions[0] not in borrowed
            earned = check.points if outcome == o.PASS and mine else 0
            kept.append(o.Result("", lesson.id, check.id, check.title, check.points, outcome,
                                 code=code, earned=earned))  # fmt: skip
    return kept


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
    if failed is None or _untouched(manifest, failed):
        unstarted = next((r for r in results if r.outcome in (o.NOT_STARTED, o.FAIL)), None)
        if unstarted is not None:
            printer.line(f"next: edit {manifest.lesson(unstarted.lesson).exercise}")
        return
    lesson = manifest.lesson(failed.lesson)
    printer.line(f"next: {typed(f'hint {lesson.number}')}")
    lent = (manifest.root / "solutions" / lesson.file).is_file()  # a students' edition has none
    if lent and journal.failed_edits(failed.check) >= 3:
        _, check = manifest.check(failed.check)
        printer.line(f"or:   minidocker borrow {check.functions[0]}   (0 points, and on you go)")


def _explain(lesson: Lesson, journal: Journal, printer: Printer) -> None:
    """After a pass of all that cannot wait, ask why: who explains it to themselves keeps it."""
    last = journal.last_grade(lesson.id) or {"checks": {}}
    core = [last["checks"].get(name, [o.NOT_STARTED])[0] for name in lesson.core()]
    if lesson.why and o.PASS in core and set(core) <= {o.PASS, o.BLOCKED}:
        printer.line(f"{lesson.why}  Your answer: {typed(f'why {lesson.number}')} …")


def _untouched(manifest: Manifest, failed: o.Result) -> bool:
    """Say whether what failed is as the starter has it: a worked example, judged all the same."""
    lesson, check = manifest.check(failed.check)
    touched = subjects.changed(manifest, lesson, manifest.root / "exercises")
    return not touched & set(check.functions)


def watch(manifest: Manifest, options: argparse.Namespace) -> int:
    """`minidocker watch`: judge a lesson when its file changes, until Ctrl-C.

    One exercise is shown at a time, the first that is not done: after a pass, the next one.
    """
    wanted = chosen(manifest, options.lesson)
    lessons = [lesson for lesson in manifest.lessons if lesson.id in wanted]
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
                mine = {lesson.id: wanted[lesson.id]}
                _judge(manifest, mine, manifest.root / "exercises", printer, True, one=True)
        time.sleep(0.3)
