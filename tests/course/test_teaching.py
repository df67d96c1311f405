"""docs/teaching.md says what the manifests, the catalogue and the cards say.

    .venv/bin/python tests/course/test_teaching.py     writes its tables anew
"""

from __future__ import annotations

import re
from pathlib import Path

from minidocker.classroom.cards import CARDS, card

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/teaching.md"
HELP = "run: .venv/bin/python tests/course/test_teaching.py"

def course():
    from minidocker.course.manifest import load

    return load(ROOT)


def mistakes(lesson) -> list[str]:
    """The catalogue's mistakes of a lesson, each in its own words; without a semicolon."""
    found = [re.match(r"# mistake: (.+)", path.read_text().splitlines()[0])
             for path in sorted((ROOT / "tests/wrong" / lesson.id).glob("*.py"))]  # fmt: skip
    return [one[1] for one in found if one and "; " not in one[1] and " | " not in one[1]]


def lessons() -> str:
    """The table of the lessons."""
    lines = ["| | its question | minutes, points | mistakes of the catalogue, three of them | ask |",
             "|---|---|---|---|---|"]  # fmt: skip
    for lesson in course().lessons:
        found = mistakes(lesson)
        shown = "; ".join(found[:: max(1, len(found) // 3)][:3])
        lines.append(f"| {lesson.number} | {lesson.question} | {lesson.minutes}, {lesson.points} | "
                     f"{shown} | {lesson.why} |")  # fmt: skip
    return "\n".join(lines) + "\n"


def cards() -> str:
    """The cards."""
    said = []
    for one in CARDS:
        said += [f"**{one.about[0].upper()}{one.about[1:]}**", ""]
        said += [f"{number}. {question}" for number, question in enumerate(one.questions, 1)]
        said += [""]
    return "\n".join(said)


TABLES = {"lessons": lessons, "cards": cards}


def written(name: str, text: str) -> tuple[str, str, str]:
    """What stands before a table, the table, and what stands after it."""
    begin = f"<!-- {name}: written by `python tests/course/test_teaching.py` -->\n"
    end = f"<!-- end of the {name} -->"
    before, _, rest = text.partition(begin)
    table, _, after = rest.partition(end)
    return before + begin, table, end + after


def test_the_table_of_lessons_says_what_the_course_says() -> None:
    _, table, _ = written("lessons", PAGE.read_text(encoding="utf-8"))
    there, now = (text.splitlines() for text in (table, lessons()))
    assert len(there) == len(now), HELP
    for old, new in zip(there[2:], now[2:], strict=True):
        before, after = (line.split(" | ") for line in (old, new))
        assert before[:3] + before[4:] == after[:3] + after[4:], HELP
        known = set(mistakes(course().lesson(before[0].strip("| "))))
        assert set(before[3].split("; ")) - known == set(), HELP  # the catalogue may have grown


def test_the_cards_are_those_of_the_command() -> None:
    assert written("cards", PAGE.read_text(encoding="utf-8"))[1] == cards(), HELP


def test_every_card_has_messages_and_no_answer() -> None:
    found = [card(message).about for message in course().messages.values()]
    for one in CARDS:
        assert found.count(one.about) >= 5, one.about
        assert all(question.endswith("?") for question in one.questions)
    assert found.count(CARDS[-1].about) < len(found) / 5  # it fits all: it is for few


def test_the_words_of_the_class_file_are_those_that_are_read() -> None:
    from minidocker.classroom import classfile, new

    source = Path(classfile.__file__).read_text()
    words = set(re.findall(r'"(\w+)": (?:str|list|dict|int|\(int, float\)|dt\.datetime)', source))
    page = PAGE.read_text().split("## The class file")[1].split("## Each lesson")[0]
    told = set(re.findall(r"\w+", " ".join(re.findall(r"`[^`]*`", page))))
    assert words >= {"login", "weight", "salt"}
    assert words - {"lesson", "student", "pair", "late", "show"} <= told
    assert "docs/teaching.md" in Path(new.__file__).read_text()


def test_every_command_of_the_page_is_a_command() -> None:
    from minidocker.verbs import class_of

    helped = class_of.AFTER + Path(class_of.__file__).read_text()
    for word in set(re.findall(r"minidocker class (\w+)", PAGE.read_text())):
        assert f'"{word}"' in helped, word


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    for name, make in TABLES.items():
        before, _, after = written(name, text)
        text = before + make() + after
    PAGE.write_text(text, encoding="utf-8")
