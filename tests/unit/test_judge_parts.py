"""What stands between an enemy and a verdict, part by part: the line, the bound, files, texts."""

from __future__ import annotations

import json
import os
import signal
import time
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidocker.chamber.cell_init import written_in
from minidocker.course import exercise_file, manifest
from minidocker.course.journal import Journal
from minidocker.course.manifest import load
from minidocker.course.outcomes import Fail, Result, inert
from minidocker.errors import Blocked, KernelError
from minidocker.grader import bound, endings, line, probe
from minidocker.plan import learner


@given(st.binary(max_size=300))
def test_whatever_arrives_is_a_message_or_noise(data):
    try:
        event, facts = line.parse(data)
    except line.Noise:
        return
    assert isinstance(event, str)
    assert isinstance(facts, dict)


@pytest.mark.parametrize("data", [
    b"[" * 50_000, b'{"event": 1}', b'{"x": 1}', b"[]", b"\xff", b"1" * 5000,
    json.dumps({"event": "x", "value": "y" * 200_000}).encode(),
    b'{"event": "x", "value": ' + b"[" * 40 + b"]" * 40 + b"}",
])  # fmt: skip
def test_noise(data):
    with pytest.raises(line.Noise):
        line.parse(data)


def test_a_lone_surrogate_can_be_shown():
    _, facts = line.parse(b'{"event": "x", "value": ["\\udc80", NaN]}')
    assert facts["value"] == ["\\udc80", "NaN"]


@given(st.text())
def test_an_inert_text_shows_and_does_nothing_else(text):
    shown = inert(text)
    kinds = {unicodedata.category(one) for one in shown if one not in "\n\t"}
    assert not kinds & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert "\x1b" not in shown
    shown.encode("utf-8")


class Cell:
    """A cell whose processes are what a test says."""

    doing = "a step"

    def __init__(self, *rows):
        self.rows = list(rows)
        self.drained = 0

    def drain(self):
        self.drained += 1

    def processes(self):
        return self.rows


def test_a_machine_slower_than_a_tick_is_measured_all_the_same(monkeypatch):
    """On an emulated arm64 the timer struck while its speed was measured, and asked for it again."""
    monkeypatch.setattr(bound, "TICK_SECONDS", 0.001)
    bound.speed.cache_clear()

    def check():
        deadline = time.monotonic() + 0.1
        while time.monotonic() < deadline:
            pass
        return "done"

    assert bound.Bound().run(check) == "done"


def test_a_loop_in_the_check_itself_ends_with_the_bound(monkeypatch):
    monkeypatch.setattr(bound, "TOTAL_SECONDS", 0.5)
    monkeypatch.setattr(bound, "scale", lambda: 1.0)
    monkeypatch.setattr(bound, "delay", lambda: 0.0)  # of a machine that is not busy
    one = bound.Bound()
    one.cells.append(Cell((2, "S", "python", 0)))
    begin = time.monotonic()

    def never_ends():
        while True:
            try:
                time.sleep(0.01)
            except OSError:
                continue

    with pytest.raises(Fail) as problem:
        one.run(never_ends)
    assert problem.value.code == "MD9013"
    assert "a step" in problem.value.text
    assert time.monotonic() - begin < 3
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert one.cells[0].drained


@pytest.mark.parametrize(("flags", "wants"), [(0x400100, False), (0x400104, True)])
def test_who_is_about_to_end_is_not_asleep(monkeypatch, flags, wants):
    """Process 1 of a pid namespace waits in the kernel for its last one, whom no list has any more:
    on a busy machine five of six right answers of init_status were called asleep."""
    one = probe.Proc(-1)
    monkeypatch.setattr(one, "pids", lambda: [1, 2])
    monkeypatch.setattr(one, "read", lambda pid, name: f"2 (a) b) S 1 2 2 0 -1 {flags} 9 9 9 9 3 4")
    assert one.load() == (wants, 7)


def test_processor_time_of_ended_processes_counts(monkeypatch):
    monkeypatch.setattr(bound, "scale", lambda: 1.0)
    one, ticks = bound.Bound(), bound.TICK * 4
    cell = Cell((2, "R", "python", ticks))
    one.cells.append(cell)
    one.check()
    cell.rows = [(3, "R", "python", ticks)]
    with pytest.raises(Fail) as problem:
        one.check()
    assert problem.value.code == "MD9006"


@pytest.mark.parametrize(("state", "said"), [("R", Blocked), ("D", Fail)])
def test_who_waits_for_a_child_of_vfork_is_not_starved(monkeypatch, state, said):
    """A process in D for as long as its child liked made each check that it failed *blocked*."""
    monkeypatch.setattr(bound, "TOTAL_SECONDS", 0.0)
    monkeypatch.setattr(bound, "scale", lambda: 1.0)
    one = bound.Bound()
    one.cells.append(Cell((2, state, "python", 0), (3, "S", "python", 0)))
    with pytest.raises(said):
        one.check()


def test_a_machine_that_gives_no_time_is_no_fault_of_the_code(monkeypatch):
    monkeypatch.setattr(bound, "TOTAL_SECONDS", 0.0)
    monkeypatch.setattr(bound, "scale", lambda: 1.0)
    one = bound.Bound()
    one.cells.append(Cell((2, "R", "python", 3)))
    one._load()
    with pytest.raises((Fail, Blocked)):
        one.check()


def test_our_own_work_does_not_count():
    """Lesson 15's bundles took half a minute on a busy machine: the code had not begun."""
    one = bound.Bound()
    begin = one.begin
    with one.aside():
        time.sleep(0.05)
    assert one.begin >= begin + 0.05


def test_a_judge_that_gets_no_processor_blames_nobody(monkeypatch):
    monkeypatch.setattr(bound, "scale", lambda: 1.0)
    for waited, problem in ((20.0, Blocked), (5.0, Fail)):
        monkeypatch.setattr(bound, "delay", lambda: 0.0)
        one = bound.Bound()
        one.cells.append(Cell((2, "S", "python", 0)))
        one.begin -= 31
        monkeypatch.setattr(bound, "delay", lambda waited=waited: waited)
        with pytest.raises(problem):
            one.check()


def test_who_is_ending_does_not_sleep(tmp_path):
    """Process 1 of a namespace waited for an orphan that nobody saw, and that had no processor."""
    for pid, state, flags in ((1, "S", 0), (2, "S", 0x400104), (3, "S", 0x400100), (4, "Z", 0x40010C)):
        (tmp_path / f"{pid}").mkdir()
        text = f"{pid} (a) b) {state} 1 1 1 0 -1 {flags} 0 0 0 0 3 4 0 0 20 0 1 0 {pid}99"
        (tmp_path / f"{pid}/stat").write_text(text)
    seen = probe.Proc(os.open(tmp_path, os.O_RDONLY))
    assert [(pid, state) for pid, state, *_ in seen.table()] == [(2, "D"), (3, "S"), (4, "Z")]
    assert seen.load() == (True, 21)
    assert seen.began(3) == 399
    os.close(seen.descriptor)


def test_a_refusal_says_what_it_usually_means():
    said = endings.meaning("mount(2) on /tmp/a b/proc (of proc): ENOENT, No such file or directory")
    assert said == ". It means: the source or the mount point does not exist."
    assert endings.meaning("mount(2) on /x: EPERM, Operation not permitted") == ""
    assert endings.meaning("x" * 5000) == ""


def test_a_file_to_be_judged_is_a_file(tmp_path):
    place = tmp_path / "x.py"
    assert exercise_file.look(place) == ("", "")
    place.write_bytes(b"\xef\xbb\xbfa = 1\r\nb = 2\r")
    assert exercise_file.look(place) == ("a = 1\nb = 2\n", "")
    for make, why in (
        (lambda: os.mkfifo(place), "no regular file"),
        (place.mkdir, "no regular file"),
        (lambda: place.symlink_to("/etc/passwd"), "symbolic link"),
        (lambda: place.write_bytes(b"," * 300_000), "larger than"),
        (lambda: place.write_bytes(b"x = 1\n# \xe9\n"), "line 2"),
    ):
        place.rmdir() if place.is_dir() and not place.is_symlink() else place.unlink()
        make()
        text, told = exercise_file.look(place)
        assert text == ""
        assert why in told


@pytest.mark.parametrize("text", ["(" * 5000, "x = " + "-" * 100_000 + "1", "a\0b", "def f(:"])
def test_a_text_that_cannot_be_parsed_is_wrong_and_no_more(text):
    shape = exercise_file.shape_of(text)
    assert shape.wrong or shape.items


def test_a_damaged_journal_is_read_as_far_as_it_is_whole(tmp_path, capsys):
    journal = Journal(tmp_path)
    journal.add("hint", lesson="01", check="a", code="", step=1)
    with open(journal.path, "a") as file:
        file.write('{"do": "grade", "lesson": 3}\n[[[\n{"do": "hint"')
    journal.add("hint", lesson="01", check="a", code="", step=2)
    assert [entry["step"] for entry in journal.entries()] == [1, 2]
    assert "3 lines are damaged" in capsys.readouterr().err
    journal.path.unlink()
    os.mkfifo(journal.path)
    assert journal.entries() == []


def test_a_kernel_error_is_the_errnos_own_class():
    for number, kind in ((2, FileNotFoundError), (1, PermissionError), (10, ChildProcessError)):
        with pytest.raises(kind) as problem:
            raise KernelError("open(2)", number, "/x")
        assert isinstance(problem.value, KernelError)
        assert (problem.value.errno, problem.value.filename) == (number, "/x")
        assert problem.value.call == "open(2)"


def test_mine_leaves_out_what_failed_when_this_text_was_judged(tmp_path, monkeypatch, capsys):
    root = Path(__file__).resolve().parents[2]
    course = replace(load(root), root=tmp_path)
    lesson = course.lesson("01")
    spoilt = "\n\ndef exit_status(status):\n    return 1\n\n\ndef init(kernel, main):\n    pass\n"
    text = (root / "solutions" / lesson.file).read_text() + spoilt
    (tmp_path / "exercises").mkdir()
    (tmp_path / lesson.exercise).write_text(text)
    monkeypatch.setattr(manifest, "load", lambda: course)
    monkeypatch.delenv("MINIDOCKER_EXERCISES", raising=False)
    monkeypatch.setattr(exercise_file, "starter", lambda *_: "")

    def parts(unsafe=False):
        return {part for _, names, _, _ in learner.mine(unsafe) for part in names}

    before = parts()
    assert "init" in before
    assert "init, host_pid_of" not in (said := capsys.readouterr().err)  # no part of a stage
    assert "spawn, init are used unjudged" in said
    check = next(one for one in lesson.checks if one.functions == ("init",))
    journal, every = Journal(tmp_path), [one for one in lesson.checks if one is not check]
    passed = [Result("", lesson.id, one.id, one.title, 1, "pass", "") for one in every]
    result = Result("learner", lesson.id, check.id, check.title, 1, "fail", "no", "MD0116")
    journal.graded(lesson.id, text, [*passed, result])
    assert parts() == before - {"init"}
    said = capsys.readouterr().err
    assert "init failed when it was judged last, and is not used" in said
    assert "unjudged" not in said
    assert parts(unsafe=True) == before
    assert "is used all the same" in capsys.readouterr().err
    # An edit undoes no fail, and what passed is said to be another text than that.
    (tmp_path / lesson.exercise).write_text(text + "\n# another text\n")
    assert parts() == before - {"init"}
    said = capsys.readouterr().err
    assert "init failed" in said and "spawn is used unjudged" in said
    # Judging one function says nothing of the others, whose outcomes are those of before.
    one = next(result for result in passed if "spawn" in result.check)
    rest = [other for other in passed if other is not one]
    journal.graded(lesson.id, text + "\n# another text\n", [one], [*rest, result])
    assert parts() == before - {"init"}
    assert "spawn is used unjudged" in capsys.readouterr().err
    journal.graded(lesson.id, text + "\n# another text\n", [*passed, result])
    assert parts() == before - {"init"}
    assert "unjudged" not in capsys.readouterr().err
    # A file elsewhere is another file: nothing is known of it, unless the text is the same.
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / lesson.file).write_text(text)
    monkeypatch.setenv("MINIDOCKER_EXERCISES", str(tmp_path / "elsewhere"))
    assert parts() == before
    assert capsys.readouterr().err == ""


def test_where_a_callable_is_written():
    import functools

    class Odd:
        def __call__(self):
            return 1

    here = __file__
    for value in (Odd(), functools.partial(Odd()), functools.cache(lambda: 1), Odd().__call__):
        assert here in written_in(value)
    assert here not in written_in(os.path.exists)
    assert here not in written_in(functools.partial(print))
