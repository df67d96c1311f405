"""One old question a lesson: which one, and that an answer is kept beside the prediction."""

from __future__ import annotations

from pathlib import Path

import pytest

from minidocker.course import manifest
from minidocker.lab import recall
from minidocker.lab.predict import BadAnswer, Comparison, Predictions, parse

ROOT = str(Path(__file__).resolve().parents[2])
NUMBERS = [lesson.number for lesson in manifest.load(ROOT).lessons]


def said(predictions: Predictions, old: recall.Old, letter: str, how: str = "") -> None:
    choices = "\n".join(f"{key}) {words}" for key, words in old.question.choices.items())
    body = f"{old.question.text}\n{choices}\nanswer: {letter} {how}"
    predictions.ask(old.question.name, body)


def wrong(old: recall.Old) -> str:
    return next(letter for letter in old.question.choices if letter != old.right)


@pytest.mark.parametrize("number", NUMBERS)
def test_each_lesson_asks_about_the_first_third_or_seventh_before(number: str, tmp_path: Path):
    found = recall.near(ROOT, number)
    if number == "00":
        assert found == []
        return
    wanted = [f"{int(number) - back:02}" for back in (1, 3, 7) if int(number) >= back]
    assert list(dict.fromkeys(old.lesson for old in found)) == wanted
    assert all(old.right in old.question.choices for old in found)
    asked = recall.old_question(ROOT, number, Predictions(str(tmp_path / "p")))
    assert asked == found[0]
    assert asked.question.text in asked.ask() and "%recall" in asked.ask()


def test_wrong_and_sure_comes_before_wrong_before_unanswered_before_right(tmp_path: Path):
    predictions = Predictions(str(tmp_path / "kept" / "predictions.jsonl"))
    first, second, third = recall.near(ROOT, "04")[:3]
    said(predictions, first, first.right, "sure")
    assert recall.old_question(ROOT, "04", predictions) == second
    said(predictions, third, wrong(third), "guess")
    assert recall.old_question(ROOT, "04", predictions) == third
    said(predictions, second, wrong(second), "sure")
    assert recall.old_question(ROOT, "04", predictions) == second
    predictions.recall(second.question, second.right)
    assert recall.old_question(ROOT, "04", predictions) == third
    again = Predictions(predictions.path)
    assert again.answers[second.question.name] == wrong(second), "the prediction of that day stays"
    assert recall.old_question(ROOT, "04", again) == third
    again.recall(second.question, second.right)
    assert len(Path(again.path).read_text().splitlines()) == 4, "the same answer is kept once"


def test_what_was_answered_and_what_was_so(tmp_path: Path):
    old = recall.near(ROOT, "02")[0]
    assert old.answered(old.right).startswith("✓")
    told = old.answered(wrong(old))
    assert told.startswith("≠") and old.question.say(old.right) in told


def test_sure_or_guess_stands_after_the_letter():
    body = "Which?\na) 1\nb) 2\nanswer:"
    for text, how in ((" b sure", "sure"), (" B, Guess", "guess"), (" b) sure.", "sure"), (" b", "")):
        assert parse("x", body + text)[1:] == ("b", how)
    with pytest.raises(BadAnswer, match="sure or guess"):
        parse("x", body + " b perhaps")


def test_who_was_sure_and_wrong_is_told_that_it_comes_back():
    question = parse("x", "Which?\na) 1\nb) 2\nanswer:")[0]
    assert "asked again" in repr(Comparison(question, "a", "b", "sure"))
    assert "asked again" not in repr(Comparison(question, "a", "b", "guess"))
    assert "asked again" not in repr(Comparison(question, "b", "b", "sure"))


def test_what_nobody_could_see_counts_as_not_answered(tmp_path: Path):
    predictions = Predictions(str(tmp_path / "predictions.jsonl"))
    first, second = recall.near(ROOT, "04")[:2]
    said(predictions, second, wrong(second), "sure")
    assert recall.old_question(ROOT, "04", predictions) == second
    predictions.show(second.question.name, second.right, evidence=False)
    assert recall.old_question(ROOT, "04", Predictions(predictions.path)) == first
