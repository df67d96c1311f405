"""Slides from notebooks: whole, escaped, and a question never stands beside what comes of it."""

from __future__ import annotations

import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from minidocker.classroom.pages.slides import ASKED, LINES, slides, slides_page
from minidocker.course.manifest import Lesson, load
from minidocker.errors import NotFound

ROOT = Path(__file__).resolve().parents[2]
LESSONS = load(ROOT).lessons


class Whole(HTMLParser):
    """Holds that each element is closed, and collects what is to be read."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def cell(kind: str, source: str) -> dict[str, object]:
    return {"cell_type": kind, "source": source}


def plain(text: str) -> str:
    """A text without its spaces and the signs of Markdown."""
    return re.sub(r"[\s`*]", "", text)


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.number)
def test_a_lesson_has_its_slides(lesson: Lesson) -> None:
    notebook = ROOT / lesson.notebook
    cells = json.loads(notebook.read_text())["cells"]
    page = slides_page(lesson, notebook)
    said = plain("".join(Whole(page).texts))
    found = slides(lesson, cells)
    assert page.count("<section") == len(found) > 10 and "<script" not in page
    for one in cells:
        text = "".join(one["source"])
        for answer in re.findall(r"(?s)</summary>(.*?)</details>", text):
            assert plain(re.sub("<[^>]+>", "", html.unescape(answer)))[:60] not in said
        if text.startswith("%%predict"):
            for line in text.splitlines()[1:-1]:
                assert plain(line) in said
        elif one["cell_type"] == "code" and text.startswith("%"):
            shown = text.startswith(("%%isolated", "%%shell"))
            assert not shown or plain(text.splitlines()[-1]) in said
        for heading in re.findall(r"(?m)^### +(.*)", text if one["cell_type"] == "markdown" else ""):
            assert plain(heading) in said or "Answer" in text
    asked = [number for number, slide in enumerate(found) if slide.head == ASKED]
    assert len(asked) == sum("".join(one["source"]).startswith("%%predict") for one in cells)
    assert all("<pre>" not in "".join(found[number].blocks) for number in asked)


def test_what_a_notebook_may_hold_is_shown_as_text(tmp_path: Path) -> None:
    """Notebooks of a private set are a teacher's, and what is in them may be a student's."""
    cells = [
        cell("markdown", "# T\n## <script>x</script>\n**bold `a*b`** and *em*, [words](javascript:x)\n"
             "- one\n  goes on\n2. two\n\n| a | b |\n|---|---|\n| `|` | &amp; |\n\n"
             "```sh\necho <b>\n```\n<details><summary>Answer</summary>secret\nmore</details>\nafter"),
        cell("code", "%grade 01"), cell("code", ""),
        cell("code", "%%predict x\nWhy?\na) yes\nanswer:"), cell("code", "print('so')"),
        cell("code", "\n".join(f"line{number}" for number in range(50))),
    ]  # fmt: skip
    notebook = tmp_path / "n.ipynb"
    notebook.write_text(json.dumps({"cells": cells}))
    page = slides_page(LESSONS[1], notebook)
    said = "".join(Whole(page).texts)
    assert "<script" not in page and "javascript" not in page and "&lt;script&gt;" in page
    assert "<code>a*b</code>" in page and "<em>em</em>" in page and "echo <b>" in said
    assert "secret" not in said and "more" not in said and "after" in said and "%grade" not in said
    assert said.index("one goes on") < said.index("2. two") and "<td>" in page
    found = slides(LESSONS[1], cells)
    heads = [one.head for one in found]
    assert heads[1:4] == ["<script>x</script>", ASKED, "<script>x</script>"]
    assert len([one for one in found if "line" in "".join(one.blocks)]) >= 3
    assert max(one.lines for one in found) <= LINES + 1
    assert [f"line{number}" for number in range(50)] == re.findall(
        r"line\d+", "\n".join(Whole(page).texts))  # fmt: skip


def test_a_lesson_without_a_notebook_is_a_sentence(tmp_path: Path) -> None:
    for text in (None, "{", "[]", "{}"):
        if text is not None:
            (tmp_path / "n.ipynb").write_text(text)
        with pytest.raises(NotFound, match="no notebook that can be read"):
            slides_page(LESSONS[1], tmp_path / "n.ipynb")
