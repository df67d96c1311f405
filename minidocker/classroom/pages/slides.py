"""A lesson's slides, made from its notebook: a heading begins one, and so does a question.

What comes of a question is on the next slide; answers to unfold are left to who teaches. They are
one page without a script: a slide fills the window, the keys that scroll go on, and on paper each
has a sheet. A notebook's Markdown is read as far as notebooks of this course use it.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from minidocker.classroom.pages.html import Markup, page, tag, text
from minidocker.course.manifest import Lesson
from minidocker.errors import NotFound

LINES = 15
"""So many lines fit on a slide; a longer part goes on, on the next one."""
WIDTH = 84
QUIET = re.compile(r"%(?!%)|%%(?:needs|sayings)\b")
"""Cells that begin so talk to the notebook: a class has nothing to see there."""
INLINE = re.compile(r"(`+)(.+?)\1|\*\*(.+?)\*\*|(?<!\w)\*(?! )(.+?)\*(?!\w)|\[([^\]]+)\]\([^)]*\)")
BLOCK = re.compile(r"#{1,6} |```|[-*] |\d+\. |\||<details>")


@dataclass
class Slide:
    """One slide: its heading, its blocks, and how many lines they take."""

    head: str
    blocks: list[Markup] = field(default_factory=list)
    lines: int = 0


def slides_page(lesson: Lesson, notebook: Path) -> str:
    """Return the slides of a lesson as a page."""
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError, TypeError):
        raise NotFound(f"lesson {lesson.number} has no notebook that can be read: {notebook}",
                       "minidocker class slides NN, of others", 2) from None  # fmt: skip
    found = slides(lesson, cells)
    body = [
        tag("section", tag("h1" if number == 1 else "h2", inline(one.head)), *one.blocks,
            tag("footer", f"{lesson.number} · {number} of {len(found)}"), id=f"s{number}")
        for number, one in enumerate(found, 1)
    ]  # fmt: skip
    return page(f"{lesson.number} {lesson.title}: slides", *body, style=STYLE)


def slides(lesson: Lesson, cells: list[dict[str, object]]) -> list[Slide]:
    """Return a notebook's slides; each has its heading, and something below it."""
    found = [Slide(f"{lesson.number} · {lesson.title}")]
    found[0].blocks.append(tag("p", inline(lesson.question), class_="question"))
    head = found[0].head
    for cell in cells:
        source = cell["source"]
        said = "".join(source) if isinstance(source, list) else str(source)
        blocks = _code(said) if cell["cell_type"] == "code" else blocks_of(said)
        for kind, block, lines in blocks:
            if kind != "block":
                head = block if kind == "head" else head
                found.append(Slide(ASKED if kind == "ask" else head))
                continue
            if found[-1].blocks and found[-1].lines + lines > LINES:
                found.append(Slide(found[-1].head))
            found[-1].blocks.append(Markup(block))
            found[-1].lines += lines + 1
    return [one for one in found if one.blocks]


Block = tuple[str, str, int]
"""A kind ("head", "block", "ask" or "asked"), the text or the HTML, and the lines that it takes."""
ASKED = "What do you predict?"


def _code(said: str) -> Iterator[Block]:
    """Return a code cell: its lines, or a question with the answers to choose from."""
    if QUIET.match(said) or not said.strip():
        return
    first, _, rest = said.partition("\n")
    if first.startswith("%%predict"):
        lines = [one for one in rest.splitlines() if one.strip() and not one.startswith("answer")]
        yield "ask", "", 0
        for line in lines:
            yield "block", tag("p", inline(line)), _height(line)
        yield "asked", "", 0
        return
    shown = said.strip("\n").splitlines()
    for at in range(0, len(shown), LINES - 1):
        part = "\n".join(shown[at : at + LINES - 1])
        lines_of = sum(_height(line) for line in part.splitlines())
        yield "block", tag("pre", part), lines_of


def blocks_of(said: str) -> Iterator[Block]:
    """Return the headings and the blocks of a Markdown text."""
    lines = said.splitlines()
    at = 0
    while at < len(lines):
        line = lines[at]
        begin = at
        at += 1
        if not line.strip():
            continue
        if found := re.match(r"#{1,6} +(.*)", line):
            if not line.startswith("# "):  # the first slide has the lesson's own title
                yield "head", found[1], 0
        elif line.startswith("```"):
            while at < len(lines) and not lines[at].startswith("```"):
                at += 1
            yield from _code("\n".join(lines[begin + 1 : at]))
            at += 1
        elif line.startswith("<details>"):
            while at < len(lines) and "</details>" not in lines[at - 1]:
                at += 1  # an answer: who teaches says it
        elif line.startswith("|"):
            while at < len(lines) and lines[at].startswith("|"):
                at += 1
            yield "block", _table(lines[begin:at]), at - begin
        elif found := re.match(r"(?:[-*]|(\d+)\.) +(.*)", line):
            while at < len(lines) and lines[at].strip() and not BLOCK.match(lines[at]):
                at += 1
            item = " ".join([found[2], *(one.strip() for one in lines[begin + 1 : at])])
            mark = f"{found[1]}." if found[1] else "•"
            yield "block", tag("p", tag("span", mark, class_="dim"), " ", inline(item),
                               class_="item"), _height(item)  # fmt: skip
        else:
            while at < len(lines) and lines[at].strip() and not BLOCK.match(lines[at]):
                at += 1
            whole = " ".join(one.strip() for one in lines[begin:at])
            yield "block", tag("p", inline(whole)), _height(whole)


def inline(said: str) -> Markup:
    """Return a line's text: code, strong, emphasis; of a link what it says."""
    parts, at = [], 0
    for found in INLINE.finditer(said):
        parts.append(text(said[at : found.start()]))
        at = found.end()
        if found[1]:
            parts.append(tag("code", found[2]))
        elif found[3] or found[4]:
            parts.append(tag("strong" if found[3] else "em", inline(found[3] or found[4])))
        else:
            parts.append(inline(found[5]))
    return Markup("".join([*parts, text(html.unescape(said[at:]))]))


def _table(lines: list[str]) -> Markup:
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
            for line in lines if not re.fullmatch(r"[|\s:-]+", line)]  # fmt: skip
    head = tag("tr", *(tag("th", inline(cell), scope="col") for cell in rows[0]))
    body = [tag("tr", *(tag("td", inline(cell)) for cell in row)) for row in rows[1:]]
    return tag("table", tag("thead", head), tag("tbody", *body))


def _height(line: str) -> int:
    return 1 + len(line) // WIDTH


STYLE = """
html { scroll-snap-type: y proximity; }
main { max-width: none; margin: 0; padding: 0; }
section { min-height: 100vh; padding: 5vh 7vw 3.2rem; scroll-snap-align: start; position: relative;
  font-size: clamp(1rem, 1.55vw, 1.9rem); border-bottom: 1px solid var(--line); }
h1 { font-size: 2.4em; margin: 22vh 0 .5em; } h2 { font-size: 1.5em; margin: 0 0 .6em; }
.question { font-size: 1.5em; } section p { margin: .45em 0; } .item { padding-left: 1.2em; }
pre, code { font-size: .88em; } pre { padding: .5em .8em; }
footer { position: absolute; bottom: .8rem; right: 7vw; color: var(--dim); font-size: 1rem; }
@media print { @page { size: landscape; margin: 1cm; }
  section { min-height: 0; padding: 0 0 2rem; border: 0; break-after: page; font-size: 15pt; } }
"""
