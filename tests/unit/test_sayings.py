"""Sayings: what is said before and after the course is kept, and set beside what was shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from minidocker.course.journal import Journal
from minidocker.lab import sayings

ROOT = Path(__file__).resolve().parents[2]
TEXTS = [text for _, text in sayings.SAYINGS]


def cell(**words: str) -> str:
    lines = [f"{text}: {words.get(f's{number}', '')}" for number, text in enumerate(TEXTS)]
    return "\n".join([*lines, f"{sayings.OWN}: {words.get('own', '')}"])


@pytest.mark.parametrize(("lesson", "text"), sayings.SAYINGS)
def test_each_saying_is_put_to_the_test_in_its_notebook(lesson: str, text: str) -> None:
    assert sayings.verdict(str(ROOT), lesson, text) in sayings.VERDICTS


@pytest.mark.parametrize("lesson", ["00", "15"])
def test_both_notebooks_ask_for_all_of_them(lesson: str) -> None:
    import json

    [path] = (ROOT / "notebooks").glob(f"{lesson}_*.ipynb")
    cells = {one["id"]: "".join(one["source"]) for one in json.loads(path.read_text())["cells"]}
    head, _, body = cells["sayings"].partition("\n")
    assert head == "%%sayings" and sayings.read(body) == ({}, "")
    assert body.splitlines() == [f"{text}:" for text in [*TEXTS, sayings.OWN]]


def test_words_may_be_short_and_a_colon_may_stand_in_a_saying() -> None:
    answers, own = sayings.read(cell(s0="H", s2="outdated", s6="half true", own="a program: three"))
    assert answers == {TEXTS[0]: "half true", TEXTS[2]: "outdated", TEXTS[6]: "half true"}
    assert own == "a program: three"


@pytest.mark.parametrize("body", [f"{TEXTS[0]}: perhaps", "Docker is a whale", f"{TEXTS[1]}: truefalse"])
def test_what_cannot_be_read_is_said(body: str) -> None:
    with pytest.raises(sayings.NotWhole):
        sayings.read(body)


def test_both_times_stand_beside_what_was_shown(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    assert sayings.keep(journal, "00", cell()).startswith("nothing is kept")
    sayings.keep(journal, "00", cell(s0="true", own="a whale"))
    sayings.keep(journal, "00", cell(s0="false", own="magic <b>"))
    assert sayings.keep(journal, "15", cell(s0="half", s9="false", own="a chain")).startswith("kept: 2 of 10")
    found = sayings.Compared(str(ROOT), journal.entries())
    assert found.rows[0] == [TEXTS[0], "false", "half true", "half true", "00"]
    assert found.own == ["magic <b>", "a chain"] and found.right == [0, 2]
    assert "0 of 10 before, 2 after" in repr(found)
    assert "&lt;b&gt;" in found._repr_html_() and "<b>magic" not in found._repr_html_()
