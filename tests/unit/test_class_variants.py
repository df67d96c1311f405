"""Variants: the same exercise under names of one's own; whose names a text has is seen."""

from __future__ import annotations

import ast
import io
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
        assert len(held) == 2 * len(MANIFEST.lessons)
    path.write_text(re.sub("salt = .*", "", text))
    with pytest.raises(UsageError, match="variants want a secret"):
        read(path, MANIFEST)
