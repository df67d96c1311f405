"""Page: one page to keep, as a picture and as HTML: each function, whose container, runc's file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from minidocker.exam.elsewhere import file_of
from minidocker.pictures.picture import Picture
from minidocker.pictures.svg import Canvas

WIDTH, ROW, TOP, LEFT = 1000.0, 24.0, 92.0, 20.0
COLUMNS = ("lesson", "your function", "ran in", "what the kernel showed", "the same, elsewhere")
AT = (LEFT, 82.0, 246.0, 386.0, 672.0)
WIDE = (50.0, 160.0, 136.0, 280.0, 306.0)
STYLE = """
:root{color-scheme:light dark;--ink:#1f2328;--paper:#fff;--line:#d0d7de;--soft:#57606a}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--paper:#14181d;--line:#3d444d;
--soft:#9198a1}}
body{margin:2rem auto;max-width:72rem;padding:0 1rem;font:1rem/1.45 system-ui,sans-serif;
color:var(--ink);background:var(--paper)}
table{border-collapse:collapse;width:100%;font-size:.9rem}
caption{text-align:left;color:var(--soft);padding:.3rem 0}
th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid var(--line)}
code{font-family:ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
.soft{color:var(--soft)}
.wide{overflow-x:auto}
@media print{:root{--ink:#000;--paper:#fff;--line:#999;--soft:#333}body{margin:0;max-width:none}
tr{break-inside:avoid}}
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One function on the page; sign is a word: ran, failed, or not asked."""

    lesson: str
    name: str
    container: str
    seen: str
    word: str

    def elsewhere(self) -> str:
        """Return "runc libcontainer/…": the program that does the same, and its file."""
        repository, file = file_of(self.name)
        return f"{repository.rpartition('/')[2]} {file}" if file else ""


def picture(rows: Sequence[Row], said: str, when: str) -> Picture:
    """Draw the page as one picture, whose table has the same facts."""
    canvas, title = Canvas(), "A container of your own"
    canvas.text(LEFT, 34, title, "bold", 20)
    canvas.fitted(LEFT, 58, f"{said} {when}", WIDTH - 2 * LEFT, "soft", 13)
    for x, width, word in zip(AT, WIDE, COLUMNS, strict=True):
        canvas.fitted(x, TOP - 8, word, width, "soft", 12)
    for index, row in enumerate(rows):
        y = TOP + ROW * index
        canvas.line([(LEFT, y), (WIDTH - LEFT, y)])
        sign, accent = {"ran": ("circle", "green"), "failed": ("cross", "orange")}.get(
            row.word, ("ring", "grey")
        )
        canvas.shape(sign, AT[1] - 12, y + 13, accent, 5)
        cells = (row.lesson, f"{row.name}()", row.container, row.seen, row.elsewhere())
        for column, (x, width, cell) in enumerate(zip(AT, WIDE, cells, strict=True)):
            kind = "mono bold" if column == 1 else "mono" if column == 4 else ""
            canvas.fitted(x + 2, y + 17, cell, width, kind, 10.5 if column == 4 else 12)
    table = [(r.lesson, r.name, r.container, r.seen, r.elsewhere()) for r in rows]
    size = (WIDTH, TOP + ROW * len(rows) + 20)
    return Picture(title, said, COLUMNS, table, canvas, size)


def html(rows: Sequence[Row], said: str, when: str) -> str:
    """Write the page: no script, nothing from elsewhere; for light, dark and paper."""
    head = "".join(f'<th scope="col">{escape(word)}</th>' for word in COLUMNS)
    body = "".join(_row(row) for row in rows)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>A container of your own</title><style>{STYLE}</style></head><body><main>"
        f"<h1>A container of your own</h1><p>{escape(said)}</p>"
        f'<p class="soft">{escape(when)}</p><div class="wide"><table>'
        "<caption>Each is yours. The package that ran it had a hole in its place.</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div></main></body></html>\n"
    )


def _row(row: Row) -> str:
    repository, file = file_of(row.name)
    there = ""
    if file:
        address = escape(f"https://github.com/{repository}/blob/HEAD/{file}")
        words = f"{escape(repository)}</a><br><code>{escape(file)}</code>"
        there = f'<a href="{address}">{words}'
    cells = (
        escape(row.lesson), f"<code>{escape(row.name)}()</code>", escape(row.container),
        f"{escape(row.word)}: {escape(row.seen)}", there,
    )  # fmt: skip
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def write(directory: Path, rows: Sequence[Row], said: str, when: str) -> list[Path]:
    """Write exam.svg and exam.html into a directory; return both paths."""
    directory.mkdir(parents=True, exist_ok=True)
    drawn, page = directory / "exam.svg", directory / "exam.html"
    drawn.write_text(picture(rows, said, when).svg(), encoding="utf-8")
    page.write_text(html(rows, said, when), encoding="utf-8")
    return [drawn, page]
