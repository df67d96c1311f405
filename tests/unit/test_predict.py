"""Predictions: what a cell's text means, what is kept, and what is shown beside what happened."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from minidocker.lab.predict import BadAnswer, Predictions, parse

CELL = """What does getpid() say now?
a) 1
b) the same as before
answer:{answer}
"""


def test_parse_reads_question_choices_and_answer():
    question, answer, _ = parse("getpid", CELL.format(answer=" B) "))
    assert question.text == "What does getpid() say now?"
    assert question.choices == {"a": "1", "b": "the same as before"}
    assert answer == "b"
    assert question.say("b") == "b) the same as before"


@pytest.mark.parametrize("answer", [" c", " 1", " yes"])
def test_an_answer_that_is_no_choice_is_refused_with_the_choices(answer):
    with pytest.raises(BadAnswer, match="is none of a or b"):
        parse("getpid", CELL.format(answer=answer))


def test_free_text_is_kept_as_it_is():
    question, answer, _ = parse("why", "Why is that so?\nanswer:  because of /proc, c) maybe")
    assert (question.choices, answer) == ({}, "because of /proc, c) maybe")


def test_no_answer_stops_nothing_and_keeps_nothing(tmp_path: Path):
    file = tmp_path / ".minidocker" / "predictions.jsonl"
    predictions = Predictions(str(file))
    assert predictions.ask("getpid", CELL.format(answer="")).startswith("not answered yet")
    assert not file.exists()
    shown = predictions.show("getpid", "b")
    assert shown.verdict == "not answered yet"
    assert "nothing yet" in repr(shown)
    assert "b) the same as before" in repr(shown)


def test_an_answer_is_written_through_no_link(tmp_path: Path):
    file, other = tmp_path / ".minidocker/predictions.jsonl", tmp_path / "of-somebody-else"
    file.parent.mkdir()
    file.symlink_to(other)
    with pytest.raises(OSError, match="symbolic link"):
        Predictions(str(file)).ask("getpid", CELL.format(answer=" b"))
    assert not other.exists()


def test_an_answer_is_appended_once_and_the_newest_counts(tmp_path: Path):
    file = tmp_path / ".minidocker" / "predictions.jsonl"
    predictions = Predictions(str(file))
    for answer in (" a", " a", " b"):
        predictions.ask("getpid", CELL.format(answer=answer))
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["answer"] for line in lines] == ["a", "b"]
    assert lines[0]["choices"] == {"a": "1", "b": "the same as before"}
    again = Predictions(str(file))  # a week later, in another kernel
    assert again.show("getpid", "b").verdict == "as you predicted"
    assert again.show("getpid", "a").verdict == "not as you predicted"


def test_a_damaged_line_costs_only_itself(tmp_path: Path):
    file = tmp_path / "predictions.jsonl"
    Predictions(str(file)).ask("getpid", CELL.format(answer=" a"))
    file.write_text('{"name": "cut o\n[]\n' + file.read_text())
    assert Predictions(str(file)).answers == {"getpid": "a"}


def test_an_unknown_name_says_which_there_are(tmp_path: Path):
    predictions = Predictions(str(tmp_path / "none"))
    predictions.ask("getpid", CELL.format(answer=""))
    with pytest.raises(LookupError, match="asked so far: getpid"):
        predictions.show("getppid")


def test_the_display_is_a_table_that_escapes_what_was_typed(tmp_path: Path):
    predictions = Predictions(str(tmp_path / "p" / "predictions.jsonl"))
    predictions.ask("why", "Why <so>?\nanswer: <b>&")
    html = predictions.show("why", "as it is")._repr_html_()
    assert "&lt;b&gt;&amp;" in html
    assert '<th scope="row"' in html
    assert "<b>" not in html
