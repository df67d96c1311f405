"""Health: how answers are counted, what an image may say of it, and how times are written."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from minidocker.engine import health
from minidocker.errors import KernelError, UsageError
from minidocker.images.store.image import parse_lean
from minidocker.images.store.lean import lean
from minidocker.plan.health import LONGEST, note_health, of_image, parsed
from minidocker.runtime import healthy
from minidocker.runtime.healthy import FIRST, follow
from minidocker.spec.checkup import Times, written
from minidocker.spec.durations import count, nanoseconds, span
from minidocker.spec.spec import blank
from minidocker.spec.words import Asked

SECOND = 10**9


def noted(image: dict[str, Any] | None = None, detached: bool = True, **said: Any) -> Any:
    """What a Spec has of health, after an image and these options have been read."""
    asked, spec = Asked("", touch=True), blank()
    asked.image = {name: json.dumps(value) for name, value in (image or {}).items()}
    asked.update({name.replace("_", "-"): value for name, value in said.items()})
    spec.detached = detached
    note_health(spec, asked)
    return spec.health


def test_answers_are_counted_as_in_docker() -> None:
    known = dict(FIRST)
    for code, starts, status, streak in (
        (1, True, "starting", 0),  # in its first moments nothing counts
        (1, False, "starting", 1),
        (0, True, "healthy", 0),
        (1, True, "healthy", 1),  # once it was healthy, each failure counts
        (7, False, "healthy", 2),
        (-1, False, "unhealthy", 3),
        (1, False, "unhealthy", 4),
        (0, False, "healthy", 0),
    ):
        known = follow(known, code, 3, starts)
        assert (known["Status"], known["FailingStreak"]) == (status, streak)
    assert FIRST == {"Status": "starting", "FailingStreak": 0, "Log": []}


def test_options_replace_what_the_image_says_one_by_one() -> None:
    image = {"Healthcheck": {"Test": ["CMD", "look", "well"], "Interval": 5 * SECOND, "Retries": 9}}
    assert noted(image)["args"] == ["look", "well"]
    assert noted({**image, "Shell": ["/bin/ash", "-ec"]}, health_cmd="a b") == {
        "Test": ["CMD-SHELL", "a b"], "Interval": 5 * SECOND, "Retries": 9,
        "args": ["/bin/ash", "-ec", "a b"],
    }  # fmt: skip
    more = noted(image, health_interval=SECOND, health_retries=0, health_start_period=2 * SECOND)
    assert (more["Interval"], more["Retries"], more["StartPeriod"]) == (SECOND, 9, 2 * SECOND)
    assert noted(image, no_healthcheck=True) == {"Test": ["NONE"]}
    assert noted({"Healthcheck": {"Test": ["NONE"]}})["args"] == []
    assert noted(image, detached=False) is None
    assert noted() is None
    with pytest.raises(UsageError) as problem:
        noted(no_healthcheck=True, health_retries=1)
    assert problem.value.docker == "--no-healthcheck conflicts with --health-* options"
    with pytest.raises(UsageError, match="runs alone"):
        noted(detached=False, health_cmd="true")


@pytest.mark.parametrize(
    "said",
    [
        7, [], "CMD", {"Test": "true"}, {"Test": ["CMD", 7]}, {"Test": ["CMD", "a\0b"]},
        {"Test": ["CMD", "\udc80"]}, {"Test": ["CMD", "x" * 40000]}, {"Test": {"CMD": 1}},
        {"Interval": "30s"}, {"Interval": -1}, {"Retries": 1.5}, {"Timeout": None},
    ],
)  # fmt: skip
def test_what_an_enemys_image_says_is_not_said(said: Any) -> None:
    assert of_image(said) == {}


def test_the_lean_file_of_an_image_holds_its_health() -> None:
    config = {"Healthcheck": {"Test": ["CMD-SHELL", "a\0b\nc=d"]}, "Shell": ["/bin/ash", "-c"]}
    image = parse_lean(lean("sha256:1", [], config), "x", "/layers")
    assert image.id == "sha256:1"
    assert {name: parsed(image.config[name]) for name in config} == config
    assert "Shell" not in parse_lean(lean("i", [], {"Shell": ["x"]}), "x", "/layers").config
    for text in (None, "", "{", "[" * 100000):
        assert parsed(text) is None


def test_numbers_of_an_image_have_bounds() -> None:
    assert of_image({"Interval": 1, "Timeout": 10**300}) == {"Interval": 10**6, "Timeout": LONGEST}
    assert noted({"Healthcheck": {"Test": ["WHAT", "x"]}})["args"] == []
    assert noted({"Healthcheck": {"Test": ["CMD-SHELL"]}})["args"] == []


def test_durations_are_gos() -> None:
    for text, value in (("0", 0), ("0s", 0), ("30s", 30 * SECOND), ("1m30s", 90 * SECOND),
                        ("1.5h", 5400 * SECOND), (".5s", SECOND // 2), ("-3s", -3 * SECOND),
                        ("250ms", SECOND // 4)):  # fmt: skip
        assert nanoseconds(text) == value
    for text in ("", "5", "s", "1d", "1 s", "1s2", "٣s", "--1s"):
        assert nanoseconds(text) is None
    for value, text in ((30 * SECOND, "30s"), (90 * SECOND, "1m30s"), (3600 * SECOND, "1h0m0s"),
                        (SECOND // 4, "250ms"), (1_500_000_000, "1.5s")):  # fmt: skip
        assert written(value) == text
    assert Times({}).interval == Times({}).timeout == 30 and Times({}).retries == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [("5", "missing unit"), ("x", "invalid duration"), ("-1s", "cannot be negative"),
     ("10us", "Interval in Healthcheck cannot be less than 1ms")],
)  # fmt: skip
def test_a_wrong_time_is_refused_in_dockers_words(text: str, words: str) -> None:
    with pytest.raises(UsageError) as problem:
        span(text, "--health-interval")
    assert words in problem.value.docker


def test_a_number_of_times() -> None:
    assert count("3", "--health-retries") == 3
    for text in ("-1", "x", "1.5", "", "9" * 99):
        with pytest.raises(UsageError):
            count(text, "--health-retries")


def test_half_a_file_is_no_health(tmp_path: Path) -> None:
    for text in ("", "{", "[]", "{}", '{"Status": "fine", "FailingStreak": 0, "Log": []}'):
        (tmp_path / healthy.FILE).write_text(text)
        assert healthy.read(str(tmp_path)) is None
    healthy.write(str(tmp_path), {**FIRST, "Status": "healthy"})
    healthy.give_up(str(tmp_path))
    assert healthy.read(str(tmp_path)) == {**FIRST, "Status": "unhealthy"}


def test_a_few_pieces_of_an_endless_output_are_taken_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else one container could have its keeper for itself: nobody could stop it, or enter."""
    pieces = iter([b"x" * 3000] * 50)  # and then StopIteration
    monkeypatch.setattr(health.os, "read", lambda fd, most: next(pieces))
    look = health.Look.__new__(health.Look)
    look.output, look.said = -1, b""
    look.listen()
    assert look.said == b"x" * health.LONGEST
    assert len(list(pieces)) == 50 - health.TURNS


def test_what_has_no_group_yet_is_killed_by_itself() -> None:
    """A command that is cut off between its birth and its setsid(2) would live on."""
    killed = []

    class Kernel:
        def kill(self, pid: int, signal: int) -> None:
            killed.append(pid)
            if pid < 0:
                raise KernelError("kill(2)", errno.ESRCH)

    look = health.Look.__new__(health.Look)
    look.guests, look.guest = SimpleNamespace(kernel=Kernel()), SimpleNamespace(pid=77)
    look.kill()
    assert killed == [-77, 77]
    look.guest.pid = 0  # −0 would be our own group
    look.kill()
    assert killed == [-77, 77]
