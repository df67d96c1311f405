"""The manifest as records: found from anywhere, lessons by any of their names."""

from __future__ import annotations

from pathlib import Path

import pytest

from minidocker.course import manifest
from minidocker.errors import NotFound, UsageError

ROOT = Path(__file__).resolve().parents[2]
LESSON = """
title = "T"
question = "Q"
notebook = "notebooks/01.ipynb"
minutes = 10
[[function]]
name = "spawn"
summary = "S"
stage = "pid"
[[check]]
id = "one"
title = "One"
points = 2
functions = ["spawn"]
test = "test_one"
hints = ["a", "b", "c"]
[messages]
MD0101 = "{number} is wrong."
[hints]
MD0101 = ["x", "y", "z"]
"""
COMMON = """
[messages]
MD9001 = "{name} is missing."
"""


@pytest.fixture
def course(tmp_path):
    lessons = tmp_path / manifest.FOLDER
    lessons.mkdir(parents=True)
    (tmp_path / "exercises").mkdir()
    (lessons / "course.toml").write_text(COMMON)
    (lessons / "01_pid.toml").write_text(LESSON)
    return tmp_path


@pytest.mark.parametrize("name", ["01", "1", "01_pid", "01_pid.py", "exercises/01_pid.py"])
def test_a_lesson_has_many_names(course, name):
    assert manifest.load(course).lesson(name).id == "01_pid"


@pytest.mark.parametrize("name", ["", "99", "pid", "-1", "01_pid; rm"])
def test_an_unknown_lesson(course, name):
    with pytest.raises(NotFound) as problem:
        manifest.load(course).lesson(name)
    assert "01_pid" in problem.value.remedy
    assert problem.value.status == 2


def test_a_name_with_a_slip_is_guessed():
    with pytest.raises(NotFound) as problem:
        manifest.load(Path(__file__).resolve().parents[2]).named("make_privat")
    assert "lesson, function, check or code" in problem.value.message
    assert "make_private" in problem.value.remedy


def test_hints_of_the_code_come_before_those_of_the_check(course):
    lesson = manifest.load(course).lessons[0]
    check = lesson.checks[0]
    assert lesson.hints_for(check, "MD0101") == ("x", "y", "z")
    assert lesson.hints_for(check, "MD0999") == ("a", "b", "c")
    assert lesson.points == 2


def test_what_can_be_derived_is_derived(course):
    found = manifest.load(course)
    lesson = found.lessons[0]
    assert (lesson.number, lesson.file, lesson.exercise) == (
        "01", "01_pid.py", "exercises/01_pid.py"
    )  # fmt: skip
    assert lesson.checks[0].test == "test_01_pid.py::test_one"
    assert found.messages == {"MD9001": "{name} is missing.", "MD0101": "{number} is wrong."}


def test_a_package_without_exercises_is_no_course(course, monkeypatch):
    monkeypatch.setenv("MINIDOCKER_COURSE", str(course))
    (course / "exercises").rmdir()
    with pytest.raises(NotFound):
        manifest.find_root()


def test_the_course_is_found_upwards(course, monkeypatch):
    below = course / "a/b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    monkeypatch.delenv("MINIDOCKER_COURSE", raising=False)
    assert manifest.find_root() == course


def test_the_course_is_found_elsewhere(course, monkeypatch, tmp_path):
    monkeypatch.chdir("/")
    monkeypatch.setenv("MINIDOCKER_COURSE", str(course))
    assert manifest.find_root() == course
    monkeypatch.setenv("MINIDOCKER_COURSE", str(tmp_path / "nowhere"))
    with pytest.raises(NotFound, match="MINIDOCKER_COURSE"):
        manifest.find_root()
    monkeypatch.delenv("MINIDOCKER_COURSE")
    assert manifest.find_root() == ROOT


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("course.toml", "messages = ["), ("01_pid.toml", LESSON + "[[function]]\nwhat = 1\n"),
        ("01_pid.toml", "title = ["), ("01_pid.toml", LESSON.replace('title = "T"\n', "")),
        ("01_pid.toml", LESSON.replace('test = "test_one"\n', "")),
        ("01_pid.toml", LESSON.replace("stage =", "stages =")),
    ],
)  # fmt: skip
def test_a_broken_manifest_is_one_sentence(course, file, text):
    (course / manifest.FOLDER / file).write_text(text)
    with pytest.raises(UsageError, match=file.replace(".", r"\.")):
        manifest.load(course)
