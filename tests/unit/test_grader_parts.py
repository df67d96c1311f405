"""The parts of the grader that need no cell: outcomes, reports, record, borrowing, subjects."""

from __future__ import annotations

import ast
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidocker.course import edit, exercise_file, outcomes, printer
from minidocker.course.journal import Journal
from minidocker.course.outcomes import Fail, NotStarted, Result, compared, exit_code, good
from minidocker.errors import UsageError
from minidocker.grader import budget

CODES = {"pass": 0, "blocked": 3, "fail": 1, "not_started": 1, "error": 4}


@given(st.lists(st.sampled_from(sorted(CODES))))
def test_exit_code(found):
    wanted = 0
    for code in (3, 1, 4):  # the later one outranks
        if code in {CODES[one] for one in found}:
            wanted = code
    assert exit_code(found) == wanted


@given(st.dictionaries(st.text(), st.integers()), st.dictionaries(st.text(), st.integers()))
def test_compared_is_good_only_for_equal(right, seen):
    lines = compared(right, seen)
    assert good(lines) == (right == seen)
    assert sum(word == "MISSING" for word, _ in lines) == len(set(right) - set(seen))


def test_compared_sets():
    lines = compared({"pid", "mnt"}, {"pid", "net"})
    assert set(lines) == {("GOOD", "pid"), ("MISSING", "mnt"), ("BAD", "net: not expected")}


def test_a_fail_says_everything_in_order():
    problem = Fail("MD0102", ran="spawn()", expected="1", kernel="2", number=2,
                   lines=[("BAD", "two")], trace="File x")  # fmt: skip
    problem.printed = "hello\n" * 9
    text = problem.text.splitlines()
    assert text[0].startswith("The child has number 2")
    assert [line.split()[0] for line in text[1:6]] == ["ran", "expected", "seen", "BAD", "File"]
    assert len(text) == 6 + 5


def result(check, outcome, points, earned=0, message="", code=""):
    title = check.upper()
    return Result("learner", "01_pid", check, title, points, outcome, message, code, 0.1, earned)


RESULTS = [
    result("a", "pass", 3, 3),
    result("b", "fail", 2, message="wrong\n  BAD x"),
    result("c", "blocked", 4, message="no cgroups"),
    result("d", "not_started", 1),
]


class Lesson:
    id = "01_pid"
    title = "T"


def test_the_sum_leaves_out_what_is_blocked():
    assert printer.sums(RESULTS) == (3, 6, 10)


def test_json_has_exactly_these_keys():
    found = printer.as_json([Lesson], RESULTS)
    assert set(found) == {"version", "lessons", "earned", "possible_here", "points"}
    assert found["version"] == 1
    check = found["lessons"][0]["checks"][0]
    keys = ["id", "title", "outcome", "points", "earned", "message", "code", "seconds"]
    assert list(check) == keys
    json.dumps(found)


def test_plain_report_says_state_by_word(capsys):
    shown = printer.Printer()
    for one in RESULTS:
        shown.result(one)
    shown.total(RESULTS)
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "fail          0/2  B  [b]\n        wrong" in said
    assert "BAD x" in said
    assert "1 pass, 1 fail, 1 blocked, 1 not started." in said
    assert "Points: 3 of 6 possible here, 10 in all." in said


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path)


def test_the_record_is_appended_and_survives_a_torn_line(journal):
    journal.add("hint", lesson="01_pid", check="a", code="", step=1)
    with open(journal.path, "a") as file:
        file.write('{"do": "gra\n[1]\n')
    journal.add("borrow", lesson="01_pid", function="spawn")
    assert [entry["do"] for entry in journal.entries()] == ["hint", "borrow"]
    assert journal.borrowed("01_pid") == {"spawn"}


def test_hints_count_until_the_check_passes(journal):
    for step in (1, 2):
        journal.add("hint", lesson="01_pid", check="b", code="MD0101", step=step)
    assert journal.hints_taken("b", "MD0101") == 2
    assert journal.hints_taken("b", "MD0102") == 0
    journal.graded("01_pid", "text", [result("b", "pass", 2, 2)])
    assert journal.hints_taken("b", "MD0101") == 0


def test_three_different_failing_edits_are_counted(journal):
    for text in ("one", "two", "two", "three"):
        journal.graded("01_pid", text, [result("b", "fail", 2)])
    assert journal.failed_edits("b") == 3
    assert journal.first_open("01_pid") == ("b", "")
    journal.add("reset", lesson="01_pid", copy="x")
    assert journal.last_grade("01_pid") is None


def test_copies_never_replace_one_another(journal, tmp_path):
    path = tmp_path / "01_pid.py"
    assert journal.replace(path, "a") is None
    copies = [journal.replace(path, text) for text in "bcd"]
    assert [copy.read_text() for copy in copies] == ["a", "b", "c"] and path.read_text() == "d"
    assert [one.name for one in tmp_path.iterdir() if one.name.endswith(".new")] == []


def test_a_tree_that_cannot_be_written_to_loses_only_the_entry(tmp_path):
    (tmp_path / ".minidocker").write_text("a file is in the way")
    Journal(tmp_path).add("grade", lesson="x")
    assert Journal(tmp_path).entries() == []


MINE = """\
import os


# mine
def spawn(k):
    'D.'
    return 1  # no


def init(k):
    return 2
"""
OURS = "import os\n\n\ndef spawn(k):\n    return 5\n\n\nORDER = [\n    1,\n]\n"


def test_borrowing_replaces_one_function_and_leaves_the_rest():
    new = edit.borrow(MINE, OURS, "spawn")
    assert "return 5" in new
    assert "return 1" not in new
    assert "# mine" in new
    assert "return 2" in new
    assert edit.same(new, OURS, "spawn")
    assert edit.borrow(new, OURS, "spawn") == new  # twice is once
    ast.parse(new)


def test_borrowing_what_is_not_there_appends():
    new = edit.borrow(MINE, OURS, "ORDER")
    assert edit.same(new, OURS, "ORDER")
    ast.parse(new)


def test_borrowing_into_a_file_that_is_no_python():
    with pytest.raises(UsageError, match="line 1"):
        edit.borrow("def (", OURS, "spawn")


def a_subject(source, starter=""):
    return exercise_file.Subject("learner", "exercises/01_pid.py", source, starter)


def test_not_started_looks_at_code_not_at_comments():
    begin = "def spawn(k):\n    raise NotImplementedError\n"
    with pytest.raises(NotStarted):
        a_subject("# a comment\n" + begin.replace("(k)", "( k )"), begin).ready(("spawn",))
    a_subject("def spawn(k):\n    return 1\n", begin).ready(("spawn",))


def test_a_missing_name_is_a_fail_that_names_it():
    with pytest.raises(Fail, match=r"spawn is not defined in exercises/01_pid\.py"):
        a_subject("x = 1\n").ready(("spawn",))
    bindings = ("spawn, x = 1, 2", "from a import b as spawn", "from a import *", "if 1: spawn = 2")
    for text in bindings:
        a_subject(text).ready(("spawn",))


@pytest.mark.parametrize("text", ["def spawn(:\n", "\x00", "'''", "x = 1\n  y"])
def test_no_python_is_a_fail_with_the_line(text):
    with pytest.raises(Fail) as problem:
        a_subject(text).ready(("spawn",))
    assert problem.value.code == "MD9002"


@pytest.mark.parametrize(
    ("text", "line"), [("a = 1\nb = '\0'\n", "line 2:"), ("x = " + "(" * 9000, "line ")]
)
def test_the_line_is_never_line_0(text, line):
    with pytest.raises(Fail) as problem:
        a_subject(text).ready(("spawn",))
    assert line in str(problem.value) and "line 0" not in str(problem.value)


def test_a_text_that_python_cannot_read_is_no_try(journal):
    for number, code in enumerate((*outcomes.OF_THE_FILE, "MD0101")):
        journal.graded("01_pid", f"text {number}", [result("b", "fail", 2, code=code)])
    assert journal.failed_edits("b") == 1


def test_outcomes_are_five():
    assert len(set(outcomes.OUTCOMES)) == 5 == len(printer.WORDS)


def test_a_busy_machine_is_no_reason_for_another_one(capsys):
    busy = result("c", "blocked", 4, message="too busy to judge this: MINIDOCKER_PATIENCE=4 waits")
    printer.Printer().total([busy])
    assert "lab machine" not in capsys.readouterr().out
    printer.Printer().total([busy, result("d", "blocked", 1, message="no cgroups")])
    assert "lab machine" in capsys.readouterr().out


def test_in_colour_too_a_learners_text_is_as_it_is(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    printer.Printer().line("ran  overlay_options(['a:b:c', '[red]x'])", "red")
    assert "['a:b:c', '[red]x']" in capsys.readouterr().out


class Asleep:
    """A cell in which everything sleeps whenever it is looked at."""

    doing = "waiting"

    def load(self) -> tuple[bool, int]:
        return False, 0


def test_a_grader_that_waits_for_the_processor_takes_no_cell_for_asleep(monkeypatch):
    """On a machine with ten times more work than cores a look came late once, and cost a mark."""
    clock = [0.0]
    monkeypatch.setattr(budget.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(budget.bound, "scale", lambda: 1.0)
    one = budget.Budget(Asleep())
    clock[0] += 60.0
    one.check(Asleep())  # one late look is one look
    for _ in range(59):  # the first was 0.2 s long
        clock[0] += 0.03
        one.check(Asleep())
    clock[0] += 0.06
    with pytest.raises(Fail) as problem:
        one.check(Asleep())
    assert problem.value.code == "MD9007"
