"""The pages of a class in a real browser: at 200 %, in light, in dark and on paper, and alone."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit"))
from class_examples import RECORDS, ROOM

from minidocker.classroom import marks as m
from minidocker.classroom.classfile import Class, Student
from minidocker.classroom.pages.slides import slides_page
from minidocker.classroom.pages.student import student_page
from minidocker.classroom.pages.teacher import teacher_page
from minidocker.course.manifest import load

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# The least contrast of any text with the paper behind it, WCAG 2's formula.
CONTRAST = """() => {
    const light = colour => {
        const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map(value => {
            const part = value / 255;
            return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const paper = element => {
        for (; element; element = element.parentElement) {
            const colour = getComputedStyle(element).backgroundColor;
            if (!colour.endsWith(", 0)")) return light(colour);
        }
        return 1;
    };
    let least = 21;
    for (const element of document.body.querySelectorAll("*")) {
        const own = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
        if (!own) continue;
        const [a, b] = [light(getComputedStyle(element).color), paper(element)];
        least = Math.min(least, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05));
    }
    return least;
}"""


def test_the_pages_are_read_in_a_browser(
    browser: Browser, tmp_path: Path, screenshots: Path
) -> None:
    marks = m.of_class(ROOM, RECORDS)
    now = dt.datetime(2026, 12, 24, tzinfo=dt.UTC)
    pages = {"teacher": teacher_page(ROOM, marks, RECORDS)}
    pages |= {mark.student.login: student_page(ROOM, mark, now) for mark in marks}
    for name, text in pages.items():
        (tmp_path / f"{name}.html").write_text(text, encoding="utf-8")
    asked: list[str] = []
    said: list[str] = []
    page = browser.new_page(viewport={"width": 640, "height": 800})  # 1280 at 200 %
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    for name in ("teacher", "eve", "bob", "ups"):
        for scheme, media in (("light", "screen"), ("dark", "screen"), ("light", "print")):
            page.emulate_media(color_scheme=scheme, media=media)
            page.goto((tmp_path / f"{name}.html").as_uri(), timeout=90_000)
            page.screenshot(path=screenshots / f"{name}_{scheme}_{media}.png", full_page=True)
            assert page.evaluate("document.documentElement.scrollWidth") <= 640, (name, media)
            assert page.evaluate(CONTRAST) >= 4.5, (name, scheme, media)
    papers = set()
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme, media="screen")
        papers.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(papers) == 2
    assert said == [] and all(url.startswith("file:") for url in asked) and len(asked) == 12


def test_a_large_class_is_one_table_to_look_at(
    browser: Browser, tmp_path: Path, screenshots: Path
) -> None:
    people = tuple(
        Student(f"student{number}@some.university.example.org" if number % 50 == 7 else f"s{number}")
        for number in range(1000)
    )
    room = Class(**{**vars(ROOM), "students": people, "pairs": ()})
    (tmp_path / "large.html").write_text(teacher_page(room, m.of_class(room, []), []), "utf-8")
    page = browser.new_page(viewport={"width": 640, "height": 800})
    page.goto((tmp_path / "large.html").as_uri(), timeout=90_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= 640
    tables = page.locator(".rows table")
    assert tables.count() == 10
    edges = set()
    for number in (0, 5, 9):
        tables.nth(number).locator("tr").last.scroll_into_view_if_needed()
        page.screenshot(path=screenshots / f"large_class_{number}.png")
        edges.add(tables.nth(number).evaluate("""table => [...table.rows].slice(-3).map(row =>
            [...row.cells].map(cell => Math.round(cell.getBoundingClientRect().left)).join()).at(-1)"""))
    assert len(edges) == 1, edges


def test_no_slide_is_larger_than_its_window(
    browser: Browser, tmp_path: Path, screenshots: Path
) -> None:
    manifest = load(Path(__file__).resolve().parents[2])
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    for lesson in manifest.lessons:
        text = slides_page(lesson, manifest.root / lesson.notebook)
        (tmp_path / "slides.html").write_text(text, encoding="utf-8")
        page.goto((tmp_path / "slides.html").as_uri(), timeout=90_000)
        large = page.evaluate("""[...document.querySelectorAll("section")].filter(
            one => one.offsetHeight > 722).map(one => one.innerText)""")
        assert large == [] and page.evaluate("document.documentElement.scrollWidth") <= 1280
    page.locator("#s5").scroll_into_view_if_needed()
    page.screenshot(path=screenshots / "slides.png")
