"""The pages of a class: escaped, without a script, and with what the class file lets a student see."""

from __future__ import annotations

import copy
import datetime as dt
import os
import sys
from html.parser import HTMLParser

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from class_examples import ENEMY, RECORDS, ROOM, record

from minidocker.classroom import marks as m
from minidocker.classroom import records
from minidocker.classroom.classfile import Class, Student
from minidocker.classroom.pages import gain, html
from minidocker.classroom.pages.student import student_page
from minidocker.classroom.pages.teacher import analysis, correlation, file_of, teacher_page
from minidocker.lab.sayings import SAYINGS

BEFORE = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
AFTER = dt.datetime(2026, 12, 24, tzinfo=dt.UTC)
MARKS = {mark.student.login: mark for mark in m.of_class(ROOM, RECORDS)}


class Elements(HTMLParser):
    """Collects tags, attributes and texts, and holds that each element is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in ("meta", "col"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


PAGES = {
    "teacher": teacher_page(ROOM, list(MARKS.values()), RECORDS),
    **{login: student_page(ROOM, mark, AFTER) for login, mark in MARKS.items()},
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_no_script_and_asks_no_network(name: str) -> None:
    page = Elements(PAGES[name])
    assert not {"script", "iframe", "img", "link", "object", "base", "form", "b"} & set(page.tags)
    addresses = [value for key, value in page.attributes if key in ("href", "src", "action")]
    assert all(value and ":" not in value and not value.startswith("/") for value in addresses)
    assert not [key for key, _ in page.attributes if key.startswith("on")]
    assert "\u202e" not in PAGES[name] and "\x1b" not in PAGES[name]
    assert any("default-src 'none'" in (value or "") for _, value in page.attributes)


def test_an_enemys_name_is_shown_as_it_is() -> None:
    for name in ("teacher", "eve"):
        assert any(ENEMY.replace("\u202e", "\\u202e") in text for text in Elements(PAGES[name]).texts)


def test_what_is_shown_before_and_after() -> None:
    texts = [" ".join(Elements(student_page(ROOM, MARKS["eve"], at)).texts) for at in (BEFORE, AFTER)]
    assert "not shown spawn" in texts[0].replace("– ", "") and "of 100" not in texts[0]
    assert "not shown" not in texts[1] and "0 of 100" in texts[1]
    secret = {**RECORDS[2], "lessons": record("eve", ("fail",), message="SECRET")["lessons"]}
    mark = next(one for one in m.of_class(ROOM, [secret]) if one.student.login == "eve")
    assert student_page(ROOM, mark, AFTER).count("SECRET") == 4  # spawn: its points, and no more
    assert student_page(ROOM, mark, BEFORE).count("SECRET") == 4


def test_what_is_to_be_said_of_many_is_said_once() -> None:
    alike = [{**one, "notes": ["a slip"]} for one in RECORDS[:2]]
    page = teacher_page(ROOM, m.of_class(ROOM, alike), alike)
    assert "<strong>ada bob</strong>: a slip" in page and page.count("a slip") == 1


def test_the_next_step_is_the_first_that_is_open() -> None:
    said = " ".join(Elements(PAGES["bob"]).texts)
    assert "Next:  walls does what it should" in said and "<p>look <code>there</code></p>" in PAGES["bob"]
    assert "minidocker hint walls" in said
    assert "Next:" not in " ".join(Elements(PAGES["ada"]).texts)


def test_no_verdict_is_no_zero_on_any_page() -> None:
    said = " ".join(Elements(PAGES["ups"]).texts)
    assert "No mark yet" in said and "damaged" in said and "0 of" not in said
    assert "No verdict, which is no zero: ups" in " ".join(Elements(PAGES["teacher"]).texts)


def test_old_stands_beside_new() -> None:
    changed = records.raised(RECORDS[0], {**record("ada", ("fail",)), "content": "before"})
    (mark, *_) = marks = m.of_class(ROOM, [changed])
    assert "100 (was 0)" in teacher_page(ROOM, marks, [changed])
    assert "100 of 100; it was 0 when it was judged before" in student_page(ROOM, mark, AFTER)
    assert "it was" not in student_page(ROOM, mark, BEFORE)  # the sum would tell what is hidden
    again = records.raised(copy.deepcopy(RECORDS[0]), changed)  # --again: nothing new
    assert again["was"] == changed["was"]
    assert "was 0" not in teacher_page(ROOM, m.of_class(ROOM, RECORDS), RECORDS)


def test_items_say_how_hard_and_how_telling() -> None:
    found = [record(str(n), ("pass",) * 5 if n % 2 else ("fail", "fail", "pass", "fail", "fail"))
             for n in range(6)]  # fmt: skip
    items = {item.check: item for item in analysis(ROOM, found)}
    assert (items["order"].passed, items["order"].judged, items["order"].tells) == (6, 6, None)
    assert items["spawn"].passed == 3 and items["spawn"].tells == pytest.approx(1.0)
    assert items["spawn"].codes == {"MD0001": 3}
    assert correlation([1, 0, 1, 0, 1], [0, 1, 0, 1, 0]) == pytest.approx(-1)
    assert correlation([1, 1], [1, 0]) is None


def test_files_of_logins_are_files() -> None:
    names = [file_of(login) for login in ("ada", "ADA", "a b", "zoë", "a@x", "..", 'a"<', "a_20_b")]
    assert len(set(names)) == len(names)
    assert all("/" not in name and '"' not in name for name in names)


def test_attributes_are_escaped_too() -> None:
    said = html.tag("a", "x", href='"><script>', class_="c", none=None)
    assert said == '<a href="&quot;&gt;&lt;script&gt;" class="c">x</a>'
    assert "width:100.0%" in html.bar(7.0, "7") and "width:0.0%" in html.bar(-1, "")


def test_a_large_class_is_in_tables_of_a_hundred_rows() -> None:
    """A browser shows 5,000 rows in one table after it has measured all of them."""
    people = tuple(Student(f"s{number}") for number in range(250))
    room = Class(**{**vars(ROOM), "students": people, "pairs": ()})
    page = teacher_page(room, m.of_class(room, []), [])
    whole = Elements(page)
    links = [value for name, value in whole.attributes if name == "href"]
    assert links == [f"students/s{number}.html" for number in range(250)]
    assert whole.tags.count("table") == 3 + 1 and whole.tags.count("colgroup") == 3
    assert page.count('class="rows"') == 3 and Elements(
        teacher_page(ROOM, list(MARKS.values()), RECORDS)).tags.count("table") == 2  # fmt: skip


def test_what_a_class_says_of_docker_is_summed_up_without_names() -> None:
    (_, special), (_, engine), *_ = SAYINGS
    said = [
        {"before": {special: "true", engine: "half true"}, "after": {special: "half true", engine: "half true"}},
        {"before": {special: "false"}, "after": {special: "half true"}},
        {"before": {special: "half true"}, "after": {}},
    ]  # fmt: skip
    found = [{**RECORDS[0], "sayings": one} for one in said] + [RECORDS[1]]
    rows = gain.of_class(found)
    assert [one.shown for one in rows[:2]] == ["half true", "half true"] and all(one.shown for one in rows)
    assert (rows[0].right, rows[0].of) == ((1, 2), (3, 2))
    assert (rows[1].right, rows[1].of, rows[2].of) == ((1, 1), (1, 1), (0, 0))
    assert gain.both(found, rows) == (2, 0.5, 1.5)
    page = teacher_page(ROOM, list(MARKS.values()), found)
    assert "2 who answered both times: 0.5 of 10" in page and "11% of what" in page
    assert "What the class says" not in PAGES["teacher"]  # nobody has said anything
    assert Elements(page).texts
