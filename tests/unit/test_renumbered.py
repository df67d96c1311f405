"""A journal of the course's first numbers: read as if it had been written today."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from minidocker.course import manifest
from minidocker.course.journal import Journal

COURSE = manifest.load(Path(__file__).resolve().parents[2])
OF = {lesson.id: {check.id: check for check in lesson.checks} for lesson in COURSE.lessons}


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path)


@pytest.fixture
def old(journal: Journal) -> Callable[..., None]:
    """Write an entry as it was written then: without the number of lessons."""

    def write(do: str, **facts: Any) -> None:
        journal.folder.mkdir(exist_ok=True)
        with open(journal.path, "a") as file:
            file.write(json.dumps({"at": "then", "do": do, **facts}) + "\n")

    return write


def graded(lesson: str, earned: int, message: str = "", **outcomes: str) -> dict[str, Any]:
    """A grading of old: outcome "pass", or the code of a failure."""
    checks = {name: ["pass", ""] if word == "pass" else ["fail", word] for name, word in outcomes.items()}
    return {"lesson": lesson, "digest": "d", "earned": earned, "points": 30, "checks": checks,
            "message": message}  # fmt: skip


def all_passed(*ids: str) -> dict[str, str]:
    return {check: "pass" for lesson in ids for check in OF[lesson]}


@pytest.mark.parametrize(
    ("was", "now"),
    [("04_layers", ("04_union_layers", "12_layers")), ("08_network", ("08_network", "09_ports")),
     ("09_hardening", ("10_capabilities", "11_seccomp"))],
)  # fmt: skip
def test_who_had_finished_a_lesson_has_finished_both(
    journal: Journal, old: Callable[..., None], was: str, now: tuple[str, str]
) -> None:
    points = sum(check.points for name in now for check in OF[name].values())
    old("grade", **graded(was, points, **all_passed(*now)))
    for name in now:
        last = journal.last_grade(name)
        assert last is not None and set(last["checks"]) == set(OF[name])
        assert last["earned"] == last["points"] == COURSE.lesson(name).points
        assert journal.first_open(name) is None


def test_a_failure_keeps_its_message_in_its_own_half(journal: Journal, old: Callable[..., None]) -> None:
    outcomes = {**all_passed("04_union_layers", "12_layers"), "meaning": "MD0415", "changes": "MD0405"}
    order = {name: outcomes[name] for name in ("options_order", "changes", "meaning", "place_of")}
    old("grade", **graded("04_layers", 4, "changes does not agree\nmore", **order))
    overlay, layers = journal.last_grade("04_union_layers"), journal.last_grade("12_layers")
    assert overlay is not None and layers is not None
    assert overlay["message"] == "changes does not agree\nmore" and layers["message"]
    assert journal.first_open("04_union_layers") == ("changes", "MD0405")
    assert journal.first_open("12_layers") == ("meaning", "MD1215")
    last = journal.last_grade()  # a hint goes on where the first failure is
    assert last is not None and last["lesson"] == "04_union_layers"


@pytest.mark.parametrize(
    ("lesson", "check", "then", "now"),
    [("04_layers", "round_trip", "MD0426", "MD1226"), ("04_layers", "etc_layer", "MD0430", "MD0430"),
     ("08_network", "lease_free", "MD0814", "MD0934"), ("08_network", "publish_host", "MD0805", "MD0925"),
     ("08_network", "route", "MD0805", "MD0805"), ("09_hardening", "drop_order", "MD0903", "MD1003"),
     ("09_hardening", "filter_others", "MD0914", "MD1114"), ("09_hardening", "mask_holds", "MD0919", "MD1019"),
     ("09_hardening", "setuid", "MD9004", "MD9004")],
)  # fmt: skip
def test_codes_are_those_of_today(
    journal: Journal, old: Callable[..., None], lesson: str, check: str, then: str, now: str
) -> None:
    old("grade", **graded(lesson, 0, "m", **{check: then}))
    old("hint", lesson=lesson, check=check, code=then, step=2)
    home, _ = COURSE.check(check)
    assert journal.first_open(home.id) == (check, now)
    assert now in COURSE.messages
    assert journal.hints_taken(check, now) == 2


def test_what_was_borrowed_has_earned_nothing(journal: Journal, old: Callable[..., None]) -> None:
    old("borrow", lesson="09_hardening", function="compile_filter")
    points = sum(check.points for check in OF["10_capabilities"].values())
    old("grade", **graded("09_hardening", points, **all_passed("10_capabilities", "11_seccomp")))
    assert journal.borrowed("11_seccomp") == {"compile_filter"} and not journal.borrowed("10_capabilities")
    ten, eleven = journal.last_grade("10_capabilities"), journal.last_grade("11_seccomp")
    assert ten is not None and eleven is not None
    assert ten["earned"] == points and eleven["earned"] == 0


def test_a_reset_of_old_was_for_both_and_one_of_today_is_for_one(
    journal: Journal, old: Callable[..., None]
) -> None:
    passed = graded("08_network", 22, **all_passed("08_network", "09_ports"))
    old("grade", **passed)
    old("reset", lesson="08_network", copy="x")
    assert journal.last_grade("08_network") is None and journal.last_grade("09_ports") is None
    old("grade", **passed)
    journal.add("reset", lesson="08_network", copy="x")
    assert journal.last_grade("08_network") is None and journal.last_grade("09_ports") is not None


def test_a_check_that_is_no_more_is_passed_over(journal: Journal, old: Callable[..., None]) -> None:
    old("grade", **graded("04_layers", 1, gone_long_ago="pass"))
    assert journal.last_grade() is None
