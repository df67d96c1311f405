"""One page to print for each lesson, docs/pages/NN.svg: what the manifest and the recap say.

    .venv/bin/python tests/course/test_pages.py     draws them anew
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from minidocker.course.manifest import Lesson, load  # noqa: E402 - run as a program, too
from minidocker.pictures.page import HEIGHT, Page, lesson_page, recap_of  # noqa: E402
from minidocker.pictures.picture import Picture  # noqa: E402

FOLDER = ROOT / "docs/pages"
HELP = "run: .venv/bin/python tests/course/test_pages.py"
LESSONS = pytest.mark.parametrize("lesson", load(ROOT).lessons, ids=lambda lesson: lesson.id)


def recap(lesson: Lesson) -> str:
    """Return the recap of a lesson's notebook, as Markdown."""
    cells = json.loads((ROOT / lesson.notebook).read_text(encoding="utf-8"))["cells"]
    return next("".join(cell["source"]) for cell in cells if cell["id"] == "recap")


def drawn(lesson: Lesson) -> Picture:
    """Return a lesson's page."""
    assert lesson.page is not None, f"{lesson.id}.toml has no [page]"
    sentences, read_on = recap_of(recap(lesson))
    return lesson_page(Page(
        lesson.number, lesson.title, lesson.question, lesson.page.idea, lesson.page.wall,
        lesson.page.outside, lesson.page.inside, lesson.page.sides,
        [(one.name, one.summary) for one in lesson.functions],
        sentences, read_on, lesson.why, lesson.because,
    ))  # fmt: skip


def settled(picture: Picture, number: str) -> str:
    """Return the file's text: the names inside it are the same each time."""
    return re.sub(r"mdp[0-9a-f]{8}", f"mdp-page{number}", picture.svg()).rstrip() + "\n"


@LESSONS
def test_the_page_is_what_the_lesson_says(lesson: Lesson) -> None:
    file = FOLDER / f"{lesson.number}.svg"
    assert file.is_file(), HELP
    assert file.read_text(encoding="utf-8") == settled(drawn(lesson), lesson.number), HELP


@LESSONS
def test_it_is_one_page_and_nothing_is_cut(lesson: Lesson) -> None:
    picture = drawn(lesson)
    assert picture.height == HEIGHT, "it is longer than a page"
    assert "…" not in picture.svg(), "a text is too long for its place"
    sentences, read_on = recap_of(recap(lesson))
    assert len(sentences) == 3
    assert read_on


@LESSONS
def test_the_recap_links_to_it(lesson: Lesson) -> None:
    assert f"(../docs/pages/{lesson.number}.svg)" in recap(lesson)


def main() -> None:
    """Draw the pages."""
    FOLDER.mkdir(exist_ok=True)
    for lesson in load(ROOT).lessons:
        text = settled(drawn(lesson), lesson.number)
        (FOLDER / f"{lesson.number}.svg").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
