"""course.toml as records: found from anywhere, lessons by any of their names."""

from __future__ import annotations

from pathlib import Path

import pytest

from minidocker.course import manifest
from minidocker.errors import NotFound, UsageError

ROOT = Path(__file__).resolve().parents[2]
SMALL = """
[[lesson]]
id = "01_pid"
number = "01"
title = "T"
question = "Q"
notebook = "notebooks/01.ipynb"
exercise = "exercises/01_pid.py"
minutes = 10
[[lesson.function]]
name = "spawn"
summary = "S"
stage = "pid"
[[lesson.check]]
id = "one"
title = "One"
points = 2
functions = ["spawn"]
test = "test_01_pid.py::test_one"
hints = ["a", "b", "c"]
[lesson.hints]
MD0101 = ["x", "y", "z"]
[[coming]]
id = "02_mounts"
number = "02"
title = "Later"
question = "When?"
"""


@pytest.fixture
def course(tmp_path):
    (tmp_path / "course.toml").write_text(SMALL)
    return tmp_path


@pytest.mark.parametrize("name", ["01", "1", "01_pid", "01_pid.py", "exercises/01_pid.py"])
def test_a_lesson_has_many_names(course, name):
    assert manifest.load(course).lesson(name).id == "01_pid"


@pytest.mark.parametrize("name", ["2", "02_mounts"])
def test_a_lesson_to_come_is_named_as_such(course, name):
    with pytest.raises(NotFound, match="not written yet"):
        manifest.load(course).lesson(name)


@pytest.mark.parametrize("name", ["", "99", "pid", "-1", "01_pid; rm"])
def test_an_unknown_lesson(course, name):
    with pytest.raises(NotFound) as problem:
        manifest.load(course).lesson(name)
    assert "01_pid" in problem.value.remedy
    assert problem.value.status == 2


def test_hints_of_the_code_come_before_those_of_the_check(course):
    lesson = manifest.load(course).lessons[0]
    check = lesson.checks[0]
    assert lesson.hints_for(check, "MD0101") == ("x", "y", "z")
    assert lesson.hints_for(check, "MD0999") == ("a", "b", "c")
    assert lesson.points == 2


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
    "text", ["lesson = [", SMALL.replace('title = "T"\n', ""), SMALL + "[[coming]]\nwhat = 1\n"]
)
def test_a_broken_manifest_is_one_sentence(course, text):
    (course / "course.toml").write_text(text)
    with pytest.raises(UsageError, match=r"course\.toml"):
        manifest.load(course)
