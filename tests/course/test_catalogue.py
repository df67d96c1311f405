"""The exercises, proved: what earns nothing, what passes, and which mistake fails where.

A mistake holds only the mistaken names; it is laid over the solution by standing after it.
Its first lines say, in comments, the mistake, the check that must fail, and words of the message.

Run as a program it judges the catalogue of some lessons and names what is not as it should be:
    .venv/bin/python tests/course/test_catalogue.py 10 11 [--again TIMES]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from minidocker.course import exercise_file
from minidocker.course.manifest import load
from minidocker.grader.fixtures import WORKED

ROOT = Path(__file__).resolve().parents[2]
COURSE = load(ROOT)
WRONG, RIGHT = ROOT / "tests/wrong", ROOT / "tests/right"
pytestmark = pytest.mark.needs("root", "pidns")
GENERIC = {
    "empty file": "",
    "misspelt names": "",  # made of the solution below
    "exits at import": "import os\n\nos._exit(0)\n",
    "prints 1": "print(1)\n",
    "calls the reference": "from minidocker.stages.pid import Pid\n\nspawn = Pid.spawn\n",
}
# These need the controllers of cgroup version 2; on a hybrid machine they are blocked.
CONTROLLED = {"limits_hold", "make_controllers", "why_oom"}


def solution(lesson):
    return (ROOT / "solutions" / lesson.file).read_text()


def header(path):
    """Read the comments at the top of a wrong solution: {"mistake": …, "fails": …, "says": …}."""
    lines = path.read_text().splitlines()
    pairs = [line[2:].partition(": ") for line in lines if line.startswith("# ")]
    return {key: value for key, _, value in pairs if key in ("mistake", "fails", "says", "right")}


def files(folder):
    return [(lesson, path) for lesson in COURSE.lessons
            for path in sorted((folder / lesson.id).glob("*.py"))]  # fmt: skip


def laid_over(lesson, path):
    return solution(lesson) + "\n\n" + path.read_text()


def nothing_for(lesson, number):
    """Files that must earn nothing: name → text."""
    names = [function.name for function in lesson.functions]
    misspelt = solution(lesson)
    for name in names:
        misspelt = misspelt.replace(name, name + "_")
    before = COURSE.lessons[number - 1]
    return {
        "starter": exercise_file.starter(COURSE, lesson),
        "another lesson's solution": solution(before),
        **GENERIC,
        "misspelt names": misspelt,
    }


def plan():
    """Everything that is judged, as judge.main reads it."""
    entries = []
    for number, lesson in enumerate(COURSE.lessons):
        for name, text in nothing_for(lesson, number).items():
            entries.append({"lesson": lesson.id, "name": f"nothing/{name}", "text": text})
        entries.append({"lesson": lesson.id, "name": "solution", "text": solution(lesson)})
    for lesson, path in files(RIGHT):
        text = laid_over(lesson, path)
        entries.append({"lesson": lesson.id, "name": f"right/{path.stem}", "text": text})
    for lesson, path in files(WRONG):
        text, checks = laid_over(lesson, path), [header(path)["fails"]]
        name = f"wrong/{path.stem}"
        entries.append({"lesson": lesson.id, "name": name, "text": text, "checks": checks})
    return entries


def judged(entries, argv, env, at_once):
    """Let so many processes judge the entries; return them, each with what it said."""
    def one(part):
        return subprocess.run(argv, env=env, text=True, input=json.dumps(part), cwd="/",
                              capture_output=True, timeout=800)  # fmt: skip

    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(one, [entries[first::at_once] for first in range(at_once)]))


JUDGE = [sys.executable, "-m", "minidocker.grader.judge"]
HERE = {**os.environ, "MINIDOCKER_COURSE": str(ROOT), "PYTHONPATH": str(ROOT)}
AT_ONCE = (os.cpu_count() or 1) + 1  # a check often waits for the kernel


@pytest.fixture(scope="session")
def verdicts():
    """(lesson, subject) → check → verdict: one grading of the catalogue."""
    found = defaultdict(dict)
    for process in judged(plan(), JUDGE, HERE, AT_ONCE):
        for verdict in map(json.loads, process.stdout.splitlines()):
            found[verdict["lesson"], verdict["subject"]][verdict["id"]] = verdict
    return found


def problems(verdicts, wanted):
    """The verdicts whose outcome is not among `wanted`, in short."""
    return {
        check: (verdict["outcome"], verdict["message"])
        for check, verdict in verdicts.items()
        if verdict["outcome"] not in wanted
    }


LESSONS = pytest.mark.parametrize("lesson", COURSE.lessons, ids=lambda lesson: lesson.id)


@LESSONS
def test_starter_earns_nothing(verdicts, lesson):
    found = verdicts[lesson.id, "nothing/starter"]
    assert set(found) == {check.id for check in lesson.checks}
    assert sum(verdict["earned"] for verdict in found.values()) == 0
    worked = {one.name for one in lesson.functions if one.rung in WORKED}
    for check in lesson.checks:
        judged = worked >= set(check.functions)  # worked examples and repairs: as they stand
        wanted = ("pass", "fail") if judged else ("not_started",)
        assert not problems({check.id: found[check.id]}, wanted)


@LESSONS
@pytest.mark.parametrize("name", ["another lesson's solution", *GENERIC])
def test_a_file_without_the_work_earns_nothing(verdicts, lesson, name):
    found = verdicts[lesson.id, f"nothing/{name}"]
    assert set(found) == {check.id for check in lesson.checks}
    assert not problems(found, ("fail",))


@LESSONS
def test_solution_passes_all(verdicts, lesson):
    found = verdicts[lesson.id, "solution"]
    assert set(found) == {check.id for check in lesson.checks}
    blocked = {check for check, verdict in found.items() if verdict["outcome"] == "blocked"}
    assert blocked <= CONTROLLED
    assert not problems(found, ("pass", "blocked"))


@pytest.mark.parametrize(
    ("lesson", "path"), files(RIGHT), ids=[f"{le.number}-{p.stem}" for le, p in files(RIGHT)]
)
def test_unusual_right_solution_passes(verdicts, lesson, path):
    assert header(path).get("right")
    assert not problems(verdicts[lesson.id, f"right/{path.stem}"], ("pass", "blocked"))


@pytest.mark.parametrize(
    ("lesson", "path"), files(WRONG), ids=[f"{le.number}-{p.stem}" for le, p in files(WRONG)]
)
def test_wrong_solution_fails_where_it_should(verdicts, lesson, path):
    head = header(path)
    assert set(head) == {"mistake", "fails", "says"}
    verdict = verdicts[lesson.id, f"wrong/{path.stem}"][head["fails"]]
    if verdict["outcome"] == "blocked" and head["fails"] in CONTROLLED:
        pytest.skip(f"blocked: {verdict['message']}")
    assert verdict["outcome"] == "fail", verdict["message"]
    assert head["says"] in verdict["message"]


@LESSONS
def test_there_are_enough_of_them(lesson):
    wrong = [path for one, path in files(WRONG) if one is lesson]
    right = [path for one, path in files(RIGHT) if one is lesson]
    assert len(wrong) >= 4
    assert len(right) >= 2
    failing = {header(path)["fails"] for path in wrong}
    assert {check.id for check in lesson.checks} <= failing  # each has a mistake that it catches


MOST_SECONDS = 60  # for one check; more is a hang


def flips(step=20):
    """Judge every so manieth mistake of the catalogue twice; return what had two verdicts."""
    mistakes = [one for one in plan() if one["name"].startswith("wrong/")]
    said = [one.stdout for one in judged(mistakes[::step], [*JUDGE, "--again", "2"], HERE, AT_ONCE)]
    return [flip for text in said for flip in json.loads(text.splitlines()[-1])["flips"]]


def test_an_empty_plan_is_judged_at_once():
    done = subprocess.run([*JUDGE, "--again", "2"], input="[]", capture_output=True, text=True,
                          timeout=60, check=True)  # fmt: skip
    assert json.loads(done.stdout) == {"flips": []}


def test_the_judge_is_never_at_fault_and_never_hangs(verdicts, capsys):
    every = [one for found in verdicts.values() for one in found.values()]
    mistakes = [one for one in every if one["subject"].startswith("wrong/")]
    caught = sum(one["outcome"] == "fail" for one in mistakes)
    survived = sum(one["outcome"] == "pass" for one in mistakes)
    errors = [one for one in every if one["outcome"] == "error"]
    hangs = [one for one in every if one["seconds"] > MOST_SECONDS]
    flipped = flips()
    with capsys.disabled():
        print(f"\ncaught {caught}, survived {survived}, error ({len(errors)}), "
              f"flips ({len(flipped)}), hangs ({len(hangs)})", end=" ")  # fmt: skip
    assert (survived, errors, flipped, hangs) == (0, [], [], [])


@pytest.mark.more
def test_no_mistake_has_two_verdicts():
    assert flips(step=1) == []


@LESSONS
def test_kill_rate(verdicts, lesson, capsys):
    mistakes = [path for one, path in files(WRONG) if one is lesson]
    found = [
        verdict
        for path in mistakes
        for verdict in verdicts[lesson.id, f"wrong/{path.stem}"].values()
    ]
    killed = sum(verdict["outcome"] == "fail" for verdict in found)
    blocked = sum(v["outcome"] == "blocked" and v["id"] in CONTROLLED for v in found)
    judged = len(mistakes) - blocked
    more = f", {blocked} more need the controllers of cgroup version 2" if blocked else ""
    with capsys.disabled():
        print(f"\n{lesson.id}: {killed} of {judged} wrong solutions caught{more}", end=" ")
    assert killed == judged


def amiss(verdict):
    """Say what is wrong with a verdict, in a line; "" when it is as it should be."""
    kind, _, name = verdict["subject"].partition("/")
    outcome, message = verdict["outcome"], verdict["message"]
    if outcome in ("blocked", "error"):
        return message if outcome == "error" else ""
    if kind in ("solution", "right"):
        return "" if outcome == "pass" else f"it should pass: {message}"
    if kind == "nothing":
        return "it earns points" if verdict["earned"] else ""
    head = header(WRONG / verdict["lesson"] / f"{name}.py")
    if outcome != "fail":
        return "it should fail"
    return "" if head["says"] in message else f"the message lacks {head['says']!r}: {message}"


def main(words):
    """Judge the catalogue of the lessons that are named, or all; the number of what is amiss."""
    words, _, times = " ".join(words).partition("--again")
    lessons = [COURSE.lesson(word).id for word in words.split()]
    entries = [one for one in plan() if not lessons or one["lesson"] in lessons]
    argv = [*JUDGE, "--again", times.strip() or "1"]
    lines = [json.loads(line) for process in judged(entries, argv, HERE, AT_ONCE)
             for line in process.stdout.splitlines()]  # fmt: skip
    found = [f"{one['lesson']} {one['subject']} {one['id']}: {text}"
             for one in lines if "flips" not in one and (text := amiss(one))]  # fmt: skip
    found += [f"{flip[0]} {flip[1]} {flip[2]} flips: {flip[3]}"
              for one in lines for flip in one.get("flips", [])]  # fmt: skip
    seen = {(one["lesson"], one["subject"]) for one in lines if "flips" not in one}
    found += [f"{one['lesson']} {one['name']}: no verdict" for one in entries
              if (one["lesson"], one["name"]) not in seen]  # fmt: skip
    print(*found, f"{len(entries)} judged, {len(found)} amiss", sep="\n")
    return len(found)


if __name__ == "__main__":
    raise SystemExit(1 if main(sys.argv[1:]) else 0)
