"""Run the checks: pytest in this process, quiet, with our plugin; results arrive as they end."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from minidocker.chamber.cell_needs import PACKAGE
from minidocker.course import exercise_file as subjects
from minidocker.course import outcomes as o
from minidocker.course.manifest import Manifest, load
from minidocker.course.messages import sentence

# Nothing of pytest that a check does not use: a start costs 0.2 s instead of 0.4 s.
UNUSED = ("terminal", "cacheprovider", "logging", "warnings", "doctest", "junitxml", "pastebin",
          "stepwise", "setuponly", "setupplan", "unittest", "faulthandler", "debugging",
          "unraisableexception", "threadexception", "legacypath", "recwarn")  # fmt: skip


def judge(
    manifest: Manifest, tasks: Sequence[object], on_result: Callable[[o.Result], None]
) -> list[o.Result]:
    """Let the checks of each task (plugin.Task) judge its subject; return all results.

    `on_result` is called for each as it ends. A broken test file gives error results.
    """
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):  # meant for somebody else's tests
        os.environ.pop(name, None)
    import pytest

    from minidocker.grader.plugin import Grading, Plan, Task

    chosen = [task for task in tasks if isinstance(task, Task)]
    if not chosen:
        return []  # pytest would judge all that lies where we are
    grading = Grading(Plan(manifest, chosen), on_result)
    stages = course_that_judges(manifest) / "tests/stages"
    files = sorted({str(stages / check.test.partition("::")[0])
                    for task in chosen for check in task.lesson.checks})  # fmt: skip
    arguments = [*files, "-c", os.devnull, "--rootdir", str(stages), "--confcutdir", str(stages),
                 "--assert=plain", *(f"-pno:{name}" for name in UNUSED)]  # fmt: skip
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        status = pytest.main(arguments, plugins=[grading])
    if status == pytest.ExitCode.INTERRUPTED and not grading.problems:
        raise KeyboardInterrupt
    _fill(chosen, grading, "\n".join([*grading.problems, said.getvalue()]).strip())
    return grading.results


def course_that_judges(manifest: Manifest) -> Path:
    """Return the course whose checks judge: the package's own, whatever lies in a submitted tree.

    MINIDOCKER_COURSE names another one, for who tests a course.
    """
    named = os.environ.get("MINIDOCKER_COURSE")
    own = PACKAGE.parent
    return own if not named and (own / "tests/stages").is_dir() else manifest.root


def _fill(chosen: Sequence[object], grading: object, said: str) -> None:
    """Give each check that has no result an error: silence must not look like success."""
    from minidocker.grader.plugin import Grading, Task

    assert isinstance(grading, Grading)
    known = {(result.subject, result.lesson, result.check) for result in grading.results}
    for task in chosen:
        assert isinstance(task, Task)
        for check in task.lesson.checks:
            if check.id in task.checks and (
                (task.subject.name, task.lesson.id, check.id) not in known
            ):
                text = sentence("MD9009", text=said[-1500:] or "the check did not run")
                result = o.Result(task.subject.name, task.lesson.id, check.id, check.title,
                                  check.points, o.ERROR, text, "MD9009")  # fmt: skip
                grading.results.append(result)
                grading.on_result(result)


def tasks_for(
    manifest: Manifest, wanted: Mapping[str, tuple[str, ...]], directory: Path
) -> list[object]:
    """Return the tasks of grading the exercise files in `directory`: lesson → its checks."""
    from minidocker.grader.plugin import Task

    return [
        Task(lesson, subjects.of_directory(manifest, lesson, directory, "learner"),
             wanted[lesson.id])
        for lesson in manifest.lessons if lesson.id in wanted
    ]  # fmt: skip


def texts(tasks: Sequence[object]) -> dict[str, str]:
    """Return the text that each task is about: lesson → text."""
    from minidocker.grader.plugin import Task

    return {task.lesson.id: task.subject.source for task in tasks if isinstance(task, Task)}


def main() -> int:
    """Judge a plan from standard input, for the course's own tests; one JSON line a result.

    [{"lesson": "01_pid", "name": "…", "text": "…", "checks": ["…"]}]; "checks" may be left out.
    With --again N it is judged N times: one text must have one verdict. What flips is named in a
    last line, {"flips": [...]}, and makes the exit status 4.
    """
    manifest, entries, times = load(), json.load(sys.stdin), _times(sys.argv[1:])
    out = os.dup(1)
    seen: dict[tuple[str, str, str], set[tuple[str, str]]] = {}

    def tell(result: o.Result) -> None:
        line = {"subject": result.subject, "lesson": result.lesson, **result.as_json()}
        key = (result.lesson, result.subject, result.check)
        seen.setdefault(key, set()).add((result.outcome, result.code))
        os.write(out, json.dumps(line).encode() + b"\n")

    for _ in range(times):
        results = judge(manifest, tasks(manifest, entries), tell)
    flips = [[*key, sorted(found)] for key, found in seen.items() if len(found) > 1]
    if times > 1:
        os.write(out, json.dumps({"flips": flips}).encode() + b"\n")
    return 4 if flips else o.exit_code(result.outcome for result in results)


def _times(words: list[str]) -> int:
    return max(1, int(words[1])) if words[:1] == ["--again"] and len(words) == 2 else 1


def tasks(manifest: Manifest, entries: list[dict[str, Any]]) -> list[object]:
    """Make the tasks of a plan."""
    from minidocker.grader.plugin import Task

    made: list[object] = []
    for entry in entries:
        lesson = manifest.lesson(entry["lesson"])
        checks = tuple(entry.get("checks") or (check.id for check in lesson.checks))
        subject = subjects.of_text(manifest, lesson, entry["text"], entry["name"])
        made.append(Task(lesson, subject, checks))
    return made


if __name__ == "__main__":
    raise SystemExit(main())
