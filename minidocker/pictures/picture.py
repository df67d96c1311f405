"""Picture: an SVG that knows how to show itself, with a text table of the same facts.

Colours. JupyterLab shows image/svg+xml as an <img> with a data address: its theme's colours do not
reach into that, and its dark theme does not set what `prefers-color-scheme` asks. So a Picture
gives a notebook text/html with the <svg> inline: there JupyterLab's own variables (--jp-…) give
paper and ink. Everywhere else the picture brings its own card, so ink and paper always belong
together. Accents are strokes and thin tints that read on white and on #111; words carry the sense.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from html import escape

from minidocker.pictures.svg import Canvas, clean

STYLE = """
.mdp{--md-i:var(--jp-content-font-color1,var(--vscode-editor-foreground,var(--md-i0,#1f2328)));
--md-p:var(--jp-layout-color1,var(--vscode-editor-background,var(--md-p0,#ffffff)))}
@media (prefers-color-scheme:dark){.mdp{--md-i0:#e6edf3;--md-p0:#1c2128}}
.mdp text{fill:var(--md-i);font-family:system-ui,-apple-system,"Segoe UI",sans-serif}
.mdp text.mono{font-family:ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace}
.mdp text.bold{font-weight:600}
.mdp text.soft{fill-opacity:.75}
.mdp .paper{fill:var(--md-p);stroke:var(--md-i);stroke-opacity:.25}
.mdp .ink{fill:none;stroke:var(--md-i)}
.mdp .faint{fill:none;stroke:var(--md-i);stroke-opacity:.45}
""".replace("\n", "")


class Picture:
    """A picture and its text alternative: the same facts as rows of a table.

    A notebook shows the SVG with the table folded below it; a terminal shows the table. `str()`,
    `.text()`, `.svg()`, `.html()` and `.save(path)` give each by itself. `rows` is the data.
    """

    def __init__(
        self,
        title: str,
        desc: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[str]],
        canvas: Canvas,
        size: tuple[float, float],
    ) -> None:
        self.title = clean(title)
        self.desc = clean(desc)
        self.columns = tuple(columns)
        self.rows = [tuple(clean(cell) for cell in row) for row in rows]
        self._canvas = canvas
        self.width, self.height = size

    def svg(self) -> str:
        """Return the picture as a self-contained SVG document."""
        name = f"mdp{secrets.token_hex(4)}"  # pictures of other days may stand on the same page
        width, height = self.width, self.height
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="mdp" role="img" width="{width:g}" '
            f'height="{height:g}" viewBox="0 0 {width:g} {height:g}" '
            f'style="max-width:100%;height:auto" aria-labelledby="{name}t {name}d">'
            f'<title id="{name}t">{escape(self.title)}</title>'
            f'<desc id="{name}d">{escape(self.desc)}</desc><style>{STYLE}</style>'
            # The attributes are for viewers that know no CSS variables.
            f'<g fill="#1f2328"><rect class="paper" fill="#ffffff" x="0.5" y="0.5" rx="8" '
            f'width="{width - 1:g}" height="{height - 1:g}"/>'
            f"{''.join(self._canvas.parts)}</g></svg>"
        )

    def text(self) -> str:
        """Return title, description and table as plain text."""
        return "\n".join([self.title, *table(self.columns, self.rows), self.desc])

    def html(self) -> str:
        """Return the picture as HTML, with the table folded below it."""
        head = "".join(f'<th scope="col">{escape(name)}</th>' for name in self.columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{_kept(escape(cell))}</td>" for cell in row) + "</tr>"
            for row in self.rows
        )
        name = f"mdp{secrets.token_hex(4)}"
        return (
            # Where outputs are not trusted, <style> and <svg> are taken out, and the words of the
            # picture stay: so they stand hidden, and it is the style that shows them. The plain
            # attribute `hidden`, without a value, would be taken out too.
            f'<figure style="margin:0"><style>#{name}{{display:block!important}}'
            f"#{name}n{{display:none}}</style>"
            f'<div id="{name}" hidden="hidden">{self.svg()}</div>'
            f'<p id="{name}n">Run the cell to see the picture.</p>'
            f"<details><summary>The same as a table</summary>"
            f"<table><caption>{escape(self.title)}</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{body}</tbody></table><p>{escape(self.desc)}</p></details></figure>"
        )

    def save(self, path: str) -> None:
        """Write the SVG document to a file."""
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.svg())

    def _repr_svg_(self) -> str:
        return self.svg()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/html": self.html(), "image/svg+xml": self.svg(), "text/plain": self.text()}

    def __str__(self) -> str:
        return self.text()

    __repr__ = __str__


def _kept(words: str) -> str:
    """Keep an indentation, which HTML would fold into one space."""
    return words.replace("  ", "\u00a0\u00a0")


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return lines of a plain table; columns stand two spaces apart."""
    lines = [list(columns), *[list(row) for row in rows]]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    lines.insert(1, ["-" * width for width in widths])
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
