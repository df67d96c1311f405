"""Variants: the same exercise under names of one's own; whose names a text has is seen."""

from __future__ import annotations

import ast
import io
import json
import re
import tarfile
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import pytest

from minidocker.classroom import compare, pack, variants, worker
from minidocker.classroom.classfile import Class, Part, Student, edition_of, read
from minidocker.classroom.new import write_new
from minidocker.course import exercise_file as subjects
from minidocker.course import own_names
from minidocker.course.edit import source_of
from minidocker.course.manifest import load
from minidocker.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]
MANIFEST = load(ROOT)
LESSON = MANIFEST.lesson("05")
GIVEN = subjects.starter(MANIFEST, LESSON)
SOLUTION = subjects.read(ROOT / "solutions" / LESSON.file)
LOGINS = ("ada", "bob", "zoë")


def room(folder: Path) -> Class:
    students = tuple(Student(login) for login in LOGINS)
    parts = (Part(LESSON),)
    return Class(folder, "x", edition_of([LESSON]), parts, students, salt="secret", variants=True)


def seed(login: str) -> str:
    return f"secret {login}"


@pytest.mark.parametrize("lesson", MANIFEST.lessons, ids=lambda lesson: lesson.id)
def test_a_variant_is_the_same_exercise_but_for_given_names(lesson) -> None:
    begun = subjects.starter(MANIFEST, lesson)
    ours = variants.variant(begun, seed("ada"))
    assert ours == variants.variant(begun, seed("ada")) != variants.variant(begun, seed("bob"))
    assert ours.count("\n") == begun.count("\n") and max(map(len, ours.splitlines())) < 130
    first, second = ast.parse(begun), ast.parse(ours)
    for function, names in variants.functions(begun).items():
        node = subjects.items(second)[function]
        back = {variants.form(seed("ada"), function, name): name for name in names}
        for one in ast.walk(node):
            if isinstance(one, ast.Name):
                one.id = back.get(one.id, one.id)
    assert ast.dump(first) == ast.dump(second)  # docstrings, texts and parameters, too


def test_no_prose_of_a_comment_changes_and_what_it_quotes_does() -> None:
    text = 'def f(a):\n    """A file."""\n    file = "file"  # which file? `file`\n    return file, a.file, f"{file}"\n'
    name = variants.form("s", "f", "file")
    assert variants.variant(text, "s") == text  # the text "file" would have become another
    text = text.replace('"file"', '"x"')
    assert variants.variant(text, "s") == (
        f'def f(a):\n    """A file."""\n    {name} = "x"  # which file? `{name}`\n'
        f'    return {name}, a.file, f"{{{name}}}"\n'
    )


def test_which_exercise_a_text_began_with() -> None:
    own = variants.variant(GIVEN, seed("ada"))
    assert variants.begun_with(own, GIVEN, [seed("ada")]) == own
    assert variants.begun_with(GIVEN, GIVEN, [seed("ada")]) == GIVEN
    assert variants.begun_with("def f(:", GIVEN, [seed("ada")]) in (GIVEN, own)
    assert variants.begun_with(own, GIVEN, []) == GIVEN


def test_nothing_that_is_given_earns_a_point() -> None:
    """Of a variant as it is handed out, its worked examples neither; in a machine, too."""
    own = variants.variant(GIVEN, seed("ada"))
    subject = worker.subject_of(MANIFEST, LESSON, {"text": own, "why": ""}, [seed("ada")])
    assert all(subject.as_given(check.functions) for check in LESSON.checks)
    checks = [{"id": check.id, "outcome": "pass"} for check in LESSON.checks]
    told = {"lessons": [{"id": LESSON.id, "checks": checks}]}
    job = {"files": {LESSON.id: {"text": own, "why": ""}}, "variants": [seed("ada")]}
    (report,) = worker.machine_report(MANIFEST, [LESSON], job, told)
    assert {check["earned"] for check in report["checks"]} == {0}
    job["files"][LESSON.id]["text"] = SOLUTION
    (report,) = worker.machine_report(MANIFEST, [LESSON], job, told)
    assert all(check["earned"] for check in report["checks"])


def test_numbers_go_by_login_and_text(monkeypatch: pytest.MonkeyPatch) -> None:
    import random

    drawn: list[int] = []

    def judge(manifest, tasks, on_result):
        drawn.append(random.getrandbits(64))
        return [
            worker.o.Result("learner", LESSON.id, c.id, c.title, c.points, "pass") for c in LESSON.checks
        ]

    monkeypatch.setattr(worker.judge, "judge", judge)

    def number(text: str, *seeds: str) -> int:
        files = {LESSON.id: {"text": text, "why": ""}}
        worker.one(MANIFEST, {"files": files, "lessons": [LESSON.id], "variants": list(seeds)})
        return drawn.pop()

    first = number(GIVEN, seed("ada"))
    assert number(GIVEN, seed("ada")) == first
    assert len({first, number(GIVEN, seed("bob")), number(SOLUTION, seed("ada")), number(GIVEN),
                number(GIVEN)}) == 5  # fmt: skip


def test_names_of_another_ones_exercise_are_told(tmp_path: Path) -> None:
    class_ = room(tmp_path)
    bobs = variants.variant(GIVEN, seed("bob"))
    mixed = variants.variant(GIVEN, seed("ada"))
    for name in ("limits", "make_cgroup"):
        mixed = mixed.replace(source_of(mixed, name), source_of(bobs, name))
    others = {"bob": seed("bob"), "zoë": seed("zoë")}
    names, owners = variants.strangers(mixed, GIVEN, [seed("ada")], others)
    assert len(names) >= variants.ENOUGH and owners == ["bob"]
    assert variants.strangers(bobs, GIVEN, [seed("bob")], {"ada": seed("ada")}) == ([], [])
    assert variants.strangers(GIVEN, GIVEN, [seed("bob")], {"ada": seed("ada")}) == ([], [])
    record = {"name": "ada", "login": "ada", "journal": [], "files": {LESSON.id: {"text": mixed}}}
    (line,) = compare._carried(class_, LESSON, GIVEN, [record])
    assert "ada (no journal)" in line and line.endswith("given to bob")
    paired = replace(class_, pairs=(("ada", "bob"),))
    assert not list(compare._carried(paired, LESSON, GIVEN, [record]))
    broken = {**record, "files": {LESSON.id: {"text": "def f(:"}}}
    assert not list(compare._carried(class_, LESSON, GIVEN, [broken]))


NAMES = {"f": {"pid": "my_pid", "file": "the_file"}, "g": {"pid": "a_pid"}}


@pytest.mark.parametrize(
    ("hint", "own"),
    [
        ("if pid == 0:\n    return pid  # pid is 0", "if my_pid == 0:\n    return my_pid  # pid is 0"),
        ("pid = kernel.fork()", "my_pid = kernel.fork()"),
        ("for pid in found if not pid.done", "for my_pid in found if not my_pid.done"),
        ("except OSError:\n    pid += 1", "except OSError:\n    my_pid += 1"),
        ('open(f"/proc/{pid}/file")', 'open(f"/proc/{my_pid}/file")'),
        ('open("pid", pid.pid)', 'open("pid", my_pid.pid)'),
        ("Which pid is in the file? Ask seen(pid).", "Which pid is in the file? Ask seen(my_pid)."),
        ("Is `pid == 1` true of a pid?", "Is `my_pid == 1` true of a pid?"),
        ("A file is no pid, and pid(2) is a page of the manual.", ""),
        ("kernel.unshare(flags)", ""),
        ("file", ""),
    ],
)
def test_a_hint_has_ones_own_names_where_it_shows_code(hint: str, own: str) -> None:
    assert own_names.followed(hint, NAMES, ["f", "g"]) == (own or hint)
    assert own_names.followed(hint, NAMES, []) == own_names.followed(hint, {}, ["f"]) == hint


def test_the_hints_of_the_course_follow_a_variant_and_nothing_else_in_them() -> None:
    changed = 0
    for lesson in MANIFEST.lessons:
        names = variants.names_of(subjects.starter(MANIFEST, lesson), seed("ada"))
        for check in lesson.checks:
            new: dict[str, str] = {}
            for function in check.functions:
                new = {**names.get(function, {}), **new}
            back = {own: old for old, own in new.items()}
            for hint in check.hints:
                own = own_names.followed(hint, names, check.functions)
                changed += own != hint
                assert "".join(back.get(one, one) for one in re.split(r"(\w+)", own)) == hint
    assert changed > 20


def test_names_that_cannot_be_read_change_no_hint(tmp_path: Path) -> None:
    (tmp_path / "exercises/.starters").mkdir(parents=True)
    for said in ("", "[]", '{"05_cgroups": 1}', '{"05_cgroups": {"f": 1}}', '{"x": {}}'):
        (tmp_path / own_names.FILE).write_text(said)
        assert own_names.read(tmp_path, LESSON.id) == {}
    assert own_names.read(tmp_path / "none", LESSON.id) == {}


def test_the_word_hint_says_what_the_variant_says(tmp_path: Path, capsys, monkeypatch) -> None:
    from minidocker.course.journal import Journal
    from minidocker.grader import hinting

    own = replace(MANIFEST, root=tmp_path)
    (tmp_path / "exercises/.starters").mkdir(parents=True)
    given = subjects.starter(MANIFEST, MANIFEST.lesson("01"))
    names = {"01_pid": variants.names_of(given, seed("ada"))}
    (tmp_path / own_names.FILE).write_text(json.dumps(names))
    journal = Journal(tmp_path)
    for _ in range(3):
        hinting.hint(own, Namespace(what="init_status"))
    said = capsys.readouterr().out
    init = names["01_pid"]["init"]
    assert f"if {init['pid']} == main:" in said and f"exit_status({init['status']})" in said
    assert journal.hints_taken("init_status", "") == 3


def test_the_class_file_has_the_word_and_pack_writes_each_ones(tmp_path: Path, capsys) -> None:
    path = write_new(tmp_path / "c", "x", [LESSON], [Student(login) for login in LOGINS])
    assert not read(path, MANIFEST).variants
    text = path.read_text().replace("variants = false", "variants = true")
    path.write_text(text)
    assert read(path, MANIFEST).variants
    pack.pack(Namespace(file=str(path), folder=str(tmp_path / "edition"), tar=None))
    assert "3 files LOGIN.tar.gz" in capsys.readouterr().out
    salt = re.search('salt = "(.*)"', text)[1]  # type: ignore[index]
    for login in LOGINS:
        data = (tmp_path / "c/variants" / f"{login}.tar.gz").read_bytes()
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            held = {name: tar.extractfile(name).read().decode() for name in tar.getnames()}  # type: ignore[union-attr]
        assert held[LESSON.exercise] == variants.variant(GIVEN, f"{salt} {login}")
        assert held[f"{subjects.STARTERS}/{LESSON.file}"] == held[LESSON.exercise]
        assert len(held) == 2 * len(MANIFEST.lessons) + 1
        (tmp_path / login / "exercises/.starters").mkdir(parents=True)
        (tmp_path / login / own_names.FILE).write_text(held[own_names.FILE])
        names = own_names.read(tmp_path / login, LESSON.id)
        assert names == variants.names_of(GIVEN, f"{salt} {login}")
    path.write_text(re.sub("salt = .*", "", text))
    with pytest.raises(UsageError, match="variants want a secret"):
        read(path, MANIFEST)
