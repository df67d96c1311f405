"""A judge in a process of its own: a submission a line comes in, a verdict a line goes out.

    {"files": {"01_pid": {"text", "why"}}, "lessons": ["01_pid"], "variants": […]}
        →  {"lessons": […], "seconds": …}

It sees text only; learner code runs in the chamber's cells, as with `grade --from`. It ends with
the coordinator, and its cells with it: PR_SET_PDEATHSIG(2const).
"""

from __future__ import annotations

import ast
import json
import os
import random
import signal
import sys
import time
from collections.abc import Sequence
from typing import Any

from minidocker.classroom import records, variants
from minidocker.course import exercise_file as subjects
from minidocker.course import outcomes as o
from minidocker.course.edit import MARK
from minidocker.course.manifest import OWN_COURSE, Lesson, Manifest, load
from minidocker.course.messages import sentence
from minidocker.grader import judge
from minidocker.kernel import flags
from minidocker.kernel.linux import Linux

ABSENT = "was not handed in"
ALIKE_STATEMENTS = 5


def main() -> int:
    """Judge what comes until the input ends."""
    Linux().prctl(flags.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(sys.argv[1]):
        return 1  # the coordinator ended before the line above
    out, course = os.dup(1), os.environ.get("MINIDOCKER_COURSE")
    os.dup2(2, 1)
    os.set_inheritable(out, False)
    manifest = load(course or OWN_COURSE)
    for line in sys.stdin:
        begin = time.monotonic()
        job = json.loads(line)
        told = {"lessons": one(manifest, job), "seconds": round(time.monotonic() - begin, 2)}
        with os.fdopen(os.dup(out), "w", encoding="utf-8") as answer:
            answer.write(json.dumps(told) + "\n")
    return 0


def one(manifest: Manifest, job: dict[str, Any]) -> list[dict[str, Any]]:
    """Judge one submission: a report for each lesson."""
    from minidocker.grader.plugin import Task

    lessons = [manifest.lesson(name) for name in job["lessons"]]
    seeds = job.get("variants", [])
    tasks: list[object] = []
    for lesson in lessons:
        if file := job["files"].get(lesson.id):
            subject = subject_of(manifest, lesson, file, seeds)
            tasks.append(Task(lesson, subject, tuple(check.id for check in lesson.checks)))
    # With variants: other numbers for each login and each text, the same when judged again.
    content = records.content_digest(job["files"])
    random.seed(" ".join([*seeds, content]) if seeds else None)
    results = judge.judge(manifest, tasks, lambda result: None) if tasks else []
    return [_report(manifest, lesson, job["files"].get(lesson.id), results) for lesson in lessons]


def subject_of(
    manifest: Manifest, lesson: Lesson, file: dict[str, str], seeds: Sequence[str]
) -> subjects.Subject:
    """Return a submitted text as what is judged, beside the exercise that it began with."""
    begun = variants.begun_with(file["text"], subjects.starter(manifest, lesson), seeds)
    return subjects.Subject("learner", lesson.exercise, file["text"], begun,
                            hidden=subjects.hidden(manifest), refused=file["why"])  # fmt: skip


def _report(
    manifest: Manifest, lesson: Lesson, file: dict[str, str] | None, results: list[o.Result]
) -> dict[str, Any]:
    """Say what came of one lesson; what was borrowed earns nothing, as at home."""
    if file is None:
        said = f"{lesson.file} {ABSENT}."
        results = [o.Result("learner", lesson.id, c.id, c.title, c.points, o.NOT_STARTED, said)
                   for c in lesson.checks]  # fmt: skip
    mine = {result.check: result for result in results if result.lesson == lesson.id}
    ours = alike(manifest, lesson, file["text"]) if file else []
    borrowed = [name for name in ours if file and MARK.format(name=name) in file["text"]]
    for check in lesson.checks:
        if check.functions[0] in borrowed:
            mine[check.id].earned = 0
    checks = [mine[check.id].as_json() for check in lesson.checks]  # in the manifest's order
    return {"id": lesson.id, "handed_in": file is not None, "why": file["why"] if file else "",
            "ours": ours, "borrowed": borrowed, "checks": checks}  # fmt: skip


def alike(manifest: Manifest, lesson: Lesson, text: str) -> list[str]:
    """Return the functions whose code is the course's own solution, and not the starter's.

    Of those that are long enough to be written in more than one way.
    """
    solution = subjects.read(manifest.root / "solutions" / lesson.file)
    long = {
        name for name, node in subjects.items(subjects.parse(solution)).items()
        if sum(isinstance(one, ast.stmt) for one in ast.walk(node)) > ALIKE_STATEMENTS
    }  # fmt: skip
    theirs, begun = subjects.shape_of(solution), subjects.shape_of(
        subjects.starter(manifest, lesson)
    )
    mine = subjects.shape_of(text)
    return [
        function.name for function in lesson.functions
        if (code := mine.items.get(function.name)) and code == theirs.items.get(function.name)
        and code != begun.items.get(function.name)
        and (function.name in long or MARK.format(name=function.name) in text)
    ]  # fmt: skip


def machine_report(
    manifest: Manifest, lessons: Sequence[Lesson], job: dict[str, Any], told: Any
) -> list[dict[str, Any]]:
    """Return the reports that a machine's JSON means, counted by our own manifest.

    It comes from where learner code was root, so it may say anything: outcomes are ours or error.
    """
    found = {(le["id"], c["id"]): c for le in told["lessons"] for c in le["checks"]}
    results, files, seeds = [], job["files"], job.get("variants", [])
    for lesson in lessons:
        file = files.get(lesson.id)
        subject = subject_of(manifest, lesson, file, seeds) if file else None
        for check in lesson.checks:
            said = found.get((lesson.id, check.id), {})
            outcome = said.get("outcome") if said.get("outcome") in o.OUTCOMES else o.ERROR
            result = o.Result("learner", lesson.id, check.id, check.title, check.points, outcome)
            result.message = o.inert(str(said.get("message", "")))[:20_000]
            result.code = o.inert(str(said.get("code", "")))[:20]
            earns = outcome == o.PASS and result.code != o.AS_GIVEN
            if earns and subject and subject.as_given(check.functions):  # a variant's example
                result.code, result.message, earns = o.AS_GIVEN, sentence(o.AS_GIVEN), False
            result.earned = check.points if earns else 0
            results.append(result)
    return [_report(manifest, lesson, files.get(lesson.id), results) for lesson in lessons]


if __name__ == "__main__":
    raise SystemExit(main())
