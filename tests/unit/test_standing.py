"""Where a learner stands: what can wait does not keep a lesson open."""

from __future__ import annotations

from pathlib import Path

import pytest

from minidocker.course import outcomes
from minidocker.course.journal import Journal
from minidocker.course.manifest import load
from minidocker.course.state import state

COURSE = load(Path(__file__).resolve().parents[2])
WITH_MORE = [lesson for lesson in COURSE.lessons if len(lesson.core()) < len(lesson.checks)]


@pytest.mark.parametrize("lesson", WITH_MORE, ids=lambda lesson: lesson.id)
def test_a_lesson_is_finished_without_what_can_wait(lesson, tmp_path: Path) -> None:
    journal = Journal(tmp_path)

    def judged(left: set[str]) -> str:
        checks = {
            check.id: [outcomes.NOT_STARTED if check.id in left else outcomes.PASS, ""]
            for check in lesson.checks
        }
        told = {"digest": "", "earned": 1, "points": 2, "message": ""}
        journal.add("grade", lesson=lesson.id, checks=checks, **told)
        return state(lesson, journal)

    assert judged({check.id for check in lesson.checks} - lesson.core()) == "finished"
    assert judged({min(lesson.core())}) == "begun"
    assert judged(set()) == "finished"
