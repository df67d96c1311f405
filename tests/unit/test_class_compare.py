"""Comparison, viva, preflight: what is found in texts and reports that are not ours."""

from __future__ import annotations

import ast
import json
import os
import sys
import zipfile
from argparse import Namespace
from pathlib import Path

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from class_examples import ROOM

from minidocker.classroom import before, compare, preflight, viva
from minidocker.classroom.classfile import Class, Part, Student
from minidocker.course import exercise_file as subjects
from minidocker.course.manifest import load

ROOT = Path(__file__).resolve().parents[2]
MANIFEST = load(ROOT)
LESSON = MANIFEST.lessons[1]
GIVEN = subjects.starter(MANIFEST, LESSON)
OURS = (ROOT / "solutions" / LESSON.file).read_text()
OWN = """
def spawn(kernel, flags, child):
    steps = []
    for name in ("unshare", "fork"):
        steps.append(name)
    if flags & 1 and not steps:
        raise ValueError("nothing to do here")
    total = sum(len(step) * 2 + 1 for step in steps)
    kernel.unshare(flags | total * 0)
    number = kernel.fork()
    while number == 0:
        try:
            child()
        except OSError as problem:
            print(problem.errno, problem.strerror)
        finally:
            number = -1
    return number
"""


def renamed(text: str) -> str:
    """The same code with other names, comments and layout."""
    class Other(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.Name:
            return ast.Name(f"my_{node.id}", node.ctx)

        def visit_Constant(self, node: ast.Constant) -> ast.Constant:
            return ast.Constant(f"{node.value}!") if isinstance(node.value, str) else node

    return "# mine\n" + ast.unparse(ast.fix_missing_locations(Other().visit(ast.parse(text))))


def test_a_renamed_copy_is_the_same_and_what_was_given_is_nothing() -> None:
    mine, copy = (set(compare.fingerprints(text, GIVEN, OURS)) for text in (OWN, renamed(OWN)))
    assert len(mine) > 10 and mine == copy
    assert compare.fingerprints(GIVEN, GIVEN, OURS) == []
    assert compare.fingerprints(renamed(OURS), GIVEN, OURS) == []  # public: no evidence of a pair
    assert compare.fingerprints("def f(:", GIVEN) == []
    more = set(compare.fingerprints(GIVEN + OWN, GIVEN, OURS))
    assert more == mine  # wherever the lines lie


def test_honest_texts_are_no_pair_and_copies_are() -> None:
    honest = {path.stem: set(compare.fingerprints(OURS + path.read_text(), GIVEN, OURS))
              for path in sorted((ROOT / "tests/wrong" / LESSON.id).glob("*.py"))}  # fmt: skip
    prints = {**honest, "a": set(compare.fingerprints(OWN, GIVEN, OURS)),
              "b": set(compare.fingerprints(renamed(OWN), GIVEN, OURS))}  # fmt: skip
    pairs = compare.alike(LESSON.id, prints)
    best = max(pairs, key=lambda one: (one.part, one.shared))
    assert (best.first, best.second, best.part) == ("a", "b", 1.0)
    assert not [one for one in pairs if {one.first, one.second} & {"a", "b"} and one is not best]


def test_what_a_quarter_of_the_class_has_says_nothing() -> None:
    prints = {str(number): set(range(10)) for number in range(8)}
    assert compare.alike("x", prints) == []
    assert len(compare.alike("x", {"a": set(range(10)), "b": set(range(9)), "c": set()})) == 1
    assert compare.alike("x", {"a": {1, 2}, "b": {1, 2}}) == []  # too little to tell


# --- viva --------------------------------------------------------------------------------


def test_questions_are_on_own_functions_and_stay_the_same() -> None:
    names = [function.name for function in LESSON.functions]
    told = viva.candidates(GIVEN + OWN, GIVEN, names, [])
    assert [name for name, _ in told] == ["spawn"]
    assert viva.candidates(GIVEN + OWN, GIVEN, names, ["spawn"]) == []
    lines = (GIVEN + OWN).splitlines()
    for line, question in told[0][1]:
        assert lines[line - 1].strip()[:120] in question
    more = OWN.replace("    steps = []", '    """Say."""\n    1\n    steps = []  # \f \u2028\n')
    found = viva.candidates(GIVEN + more, GIVEN, names, [])
    assert not [one for _, one in found[0][1] if "Say." in one or "`1`" in one]
    assert [one for _, one in found[0][1] if "`while number == 0:`" in one]
    own = [("01_pid", name, [tuple(one) for one in asked]) for name, asked in told]
    assert viva.drawn(own, "salt ada") == viva.drawn(own, "salt ada")
    assert len(viva.drawn(own, "salt ada")) == 3
    assert len({tuple(viva.drawn(own, f"salt {n}")) for n in range(20)}) > 5
    assert viva.drawn([], "x") == [] and viva.candidates("def f(:", GIVEN, names, []) == []


# --- preflight ---------------------------------------------------------------------------


def report(runs: bool, fix: str = "sudo apt-get install x") -> dict:
    return {
        "version": 1, "ok": runs,
        "findings": [{"id": "pidns", "title": "pid namespaces", "fix": "" if runs else fix}],
        "lessons": [{"id": lesson.id, "runs": runs, "missing": [] if runs else ["pidns"]}
                    for lesson in ROOM.lessons],
    }  # fmt: skip


def test_who_is_not_ready_and_the_line_that_helps(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "open_class", lambda file: (ROOM, None))
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("ada.json", json.dumps(report(True)))
        archive.writestr("bob/doctor.json", json.dumps(report(False, "do\x1b[2J this\nand that")))
        archive.writestr("evex_4713_9_doctor.json", "[" * 100_000)
        archive.writestr("zoë/doctor.json", json.dumps({"version": 1, "lessons": "?"}))
        archive.writestr("nil/doctor.json", '"' + "x" * (2 << 20) + '"')
    assert preflight.preflight(Namespace(file="", paths=[str(tmp_path / "all.zip")])) == 1
    said = capsys.readouterr().out
    assert said.startswith("1 of 6 are ready")
    assert "missing: pid namespaces" in said and "do\\x1b[2J this\n" in said and "and that" not in said
    for line in ("eve                  it is no JSON", "zoë                  this is no report",
                 "nil                  it is larger", "ups                  no report yet"):  # fmt: skip
        assert line in said


@pytest.mark.parametrize("odd", [None, [], "x", {"version": 1}, {"version": 2}, {"version": 1, "lessons": [1]},
                                 {"version": 1, "lessons": [], "findings": [{"id": 1}]}])  # fmt: skip
def test_an_odd_report_is_a_trouble_and_no_traceback(odd: object) -> None:
    assert preflight.read("ada", odd, ROOM).trouble


def test_everybody_ready_is_exit_status_0(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = Class(**{**vars(ROOM), "students": ROOM.students[:1]})
    monkeypatch.setattr(preflight, "open_class", lambda file: (room, None))
    (tmp_path / "ada.json").write_text(json.dumps(report(True)))
    assert preflight.preflight(Namespace(file="", paths=[str(tmp_path)])) == 0
    assert capsys.readouterr().out == "1 of 1 are ready for all 2 lessons.\n"


def test_gradescope_and_windows_say_whose_machine_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = Class(**{**vars(ROOM), "students": ROOM.students[:2]})
    monkeypatch.setattr(preflight, "open_class", lambda file: (room, None))
    said = "".join(f"submission_{n}:\n  :submitters:\n  - :name: X\n    :email: {mail}\n"
                   for n, mail in ((7, "ada@x.org"), (8, "BOB@x.org")))  # fmt: skip
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("assignment_1_export/submission_7/doctor.json", json.dumps(report(True)))
        archive.writestr("assignment_1_export/submission_8/doctor.json",
                         json.dumps(report(True)).encode("utf-16"))  # PowerShell's >
        archive.writestr("assignment_1_export/submission_metadata.yml", said)
    assert preflight.preflight(Namespace(file="", paths=[str(tmp_path / "all.zip")])) == 0
    assert capsys.readouterr().out == "2 of 2 are ready for all 2 lessons.\n"


def before_of(monkeypatch: pytest.MonkeyPatch, folder: Path, blocked: list[str], why: str = "") -> None:
    """A class of two real lessons, on a machine whose trial said this."""
    students = tuple(Student(login) for login in ("ada", "bob", "eve", "zoe", "nil", "max"))
    room = Class(folder, "", "", tuple(map(Part, load(ROOT).lessons[:2])), students)
    monkeypatch.setattr(preflight, "open_class", lambda file: (room, None))
    monkeypatch.setattr(before, "trial", lambda *_: (blocked, why))


def test_submissions_are_looked_at_before_they_are_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    before_of(monkeypatch, tmp_path, ["walls_limit"])
    names = [lesson.file for lesson in load(ROOT).lessons[:2]]
    given = [(ROOT / "exercises" / name).read_text() for name in names]
    for login in ("ada", "bob", "max"):
        for name in names:
            (tmp_path / "in" / login).mkdir(parents=True, exist_ok=True)
            (tmp_path / "in" / login / name).write_text("x = 1\n" if login != "max" else f"y = {name!r}\n")
    for login in ("zoe", "stranger\x1b[2J"):
        (tmp_path / "in" / login).mkdir()
        (tmp_path / "in" / login / names[0]).write_text(given[0])
    (tmp_path / "in/eve.rar").write_bytes(b"Rar!")
    (tmp_path / "in/zoe.zip").write_bytes(b"")
    assert preflight.preflight(Namespace(file="", paths=[str(tmp_path / "in")])) == 1
    said = capsys.readouterr().out
    for words in ("This machine:\n", "walls_limit cannot be shown here", "7 submissions, to look at:",
                  "eve: no verdict", "zip and tar are", "zoe has another submission",
                  "is the exercise as it was given", f"zoe: not handed in: {names[1]}",
                  "ada bob: the same 01_pid.py, byte for byte", "nothing handed in: nil",
                  "nobody on the roster"):  # fmt: skip
        assert words in said, (words, said)
    assert "max" not in said and "\x1b" not in said and not (tmp_path / "records").exists()


def test_a_machine_that_is_ready_says_so_and_a_full_disk_too(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    before_of(monkeypatch, tmp_path, [])
    monkeypatch.setattr(before, "default_jobs", lambda: 1000)
    monkeypatch.setattr(before, "JUDGE_MEMORY", 1)
    assert preflight.preflight(Namespace(file="", paths=[])) == 0
    assert capsys.readouterr().out == "This machine can judge the class.\n"
    monkeypatch.setattr(before, "RECORD", 1 << 50)
    monkeypatch.setattr(before, "JUDGE_MEMORY", 1 << 50)
    monkeypatch.setattr(before, "default_jobs", lambda: 0)
    before_of(monkeypatch, tmp_path, [], "no cell can be made here")
    assert preflight.preflight(Namespace(file="", paths=[])) == 1
    said = capsys.readouterr().out
    assert "disk: " in said and "memory: " in said and "judging: no cell can be made here" in said


def test_a_submission_with_json_beside_it_is_no_report(tmp_path: Path) -> None:
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada/report.json").write_text("{}")
    assert not preflight._reports(tmp_path)["no_json"]
    (tmp_path / "ada/01_pid.py").write_text("")
    assert preflight._reports(tmp_path)["no_json"]
