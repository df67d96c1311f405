"""A little SVG: shapes, and text that is cut to fit. Canvas collects them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

# Of middle lightness: 3:1 and better against white and against #111.
ACCENTS = {
    "blue": "#2f81d6",
    "orange": "#c9710c",
    "green": "#2e9152",
    "purple": "#9466d6",
    "grey": "#7d8590",
}

# Corners of the signs, in units of their size.
SIGNS: dict[str, list[tuple[float, float]]] = {
    "diamond": [(0, -1), (1, 0), (0, 1), (-1, 0), (0, -1)],
    "triangle": [(0, -1), (1, 0.8), (-1, 0.8), (0, -1)],
    "square": [(-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8), (-0.8, -0.8)],
    "arrow": [(-1, -0.8), (1, 0), (-1, 0.8), (-1, -0.8)],
    "cross": [(-0.8, -0.8), (0.8, 0.8), (0, 0), (0.8, -0.8), (-0.8, 0.8)],
}


class Canvas:
    """Collects shapes; x and y are the user units of the picture, about CSS pixels."""

    def __init__(self) -> None:
        self.parts: list[str] = []

    def text(
        self, x: float, y: float, words: str, kind: str = "", size: float = 13, **more: str
    ) -> None:
        """Write words with their baseline at y; `kind`: mono, bold, soft, or several of them."""
        self._add("text", escape(clean(words)), x=x, y=y, class_=kind, font_size=size, **more)

    def fitted(
        self,
        x: float,
        y: float,
        words: str,
        width: float,
        kind: str = "",
        size: float = 13,
        **more: str,
    ) -> float:
        """Write as much of the words as fits into `width`; return the width that is used."""
        words = fit(words, width, size, "mono" in kind)
        self.text(x, y, words, kind, size, **more)
        return measure(words, size, "mono" in kind)

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        accent: str = "",
        strong: bool = False,
        dashed: bool = False,
        tint: float = 0.12,
    ) -> None:
        """Draw a box with round corners: an accent's outline and tint, or ink for no accent."""
        more = {"stroke_dasharray": "5 4"} if dashed else {}
        width_of_line = 2.5 if strong else 1.2
        place = {"x": x, "y": y, "width": width, "height": height, "rx": 6}
        if accent:
            colour = ACCENTS[accent]
            self._add("rect", "", **place, fill=colour, fill_opacity=tint, stroke=colour,
                      stroke_width=width_of_line, **more)  # fmt: skip
        else:
            kind = "ink" if strong else "faint"
            self._add("rect", "", **place, class_=kind, stroke_width=width_of_line, **more)

    def line(self, points: Sequence[tuple[float, float]], accent: str = "", dash: str = "") -> None:
        """Draw a line through the points."""
        path = " ".join(f"{x:g},{y:g}" for x, y in points)
        more = {"stroke_dasharray": dash} if dash else {}
        if accent:
            self._add("polyline", "", points=path, fill="none", stroke=ACCENTS[accent],
                      stroke_width=1.6, **more)  # fmt: skip
        else:
            self._add("polyline", "", points=path, class_="faint", stroke_width=1.2, **more)

    def shape(self, kind: str, x: float, y: float, accent: str, size: float = 6) -> None:
        """Draw a small sign around (x, y): circle, diamond, triangle, square, cross or ring."""
        colour = ACCENTS[accent]
        if kind in ("circle", "ring"):
            fill = colour if kind == "circle" else "none"
            self._add("circle", "", cx=x, cy=y, r=size * 0.85, fill=fill, stroke=colour,
                      stroke_width=1.6)  # fmt: skip
            return
        path = " ".join(f"{x + dx * size:g},{y + dy * size:g}" for dx, dy in SIGNS[kind])
        fill = "none" if kind == "cross" else colour
        self._add("polyline", "", points=path, fill=fill, stroke=colour, stroke_width=1.8)

    def arrow(self, start: tuple[float, float], end: tuple[float, float], accent: str) -> None:
        """Draw a level arrow from start to end, which lies to the right of it."""
        self.line([start, (end[0] - 6, end[1])], accent, "6 4")
        self.shape("arrow", end[0] - 5, end[1], accent, 5)

    def _add(self, tag: str, content: str, **attributes: object) -> None:
        written = "".join(
            f' {name.rstrip("_").replace("_", "-")}="{_number(value)}"'
            for name, value in attributes.items()
            if value != ""
        )
        end = f">{content}</{tag}>" if content else "/>"
        self.parts.append(f"<{tag}{written}{end}")


def measure(words: str, size: float, mono: bool = False) -> float:
    """Return about how wide the words are; a little more rather than less."""
    if mono:
        return sum(1.2 if _wide(letter) else 0.605 for letter in words) * size
    return sum(_width(letter) for letter in words) * size


def fit(words: str, width: float, size: float, mono: bool = False) -> str:
    """Return the words, cut with … so that they are at most `width` wide."""
    if measure(words, size, mono) <= width:
        return words
    while words and measure(words + "…", size, mono) > width:
        words = words[:-1]
    return words.rstrip() + "…"


def wrap(words: str, width: float, size: float, lines: int = 2) -> list[str]:
    """Return the words in at most so many lines; the last is cut where they do not fit."""
    found: list[str] = []
    for word in words.split():
        if found and measure(f"{found[-1]} {word}", size) <= width:
            found[-1] += " " + word
        else:
            found.append(word)
    kept = [*found[: lines - 1], " ".join(found[lines - 1 :])] if found else []
    return [fit(line, width, size) for line in kept if line]


def clean(words: str) -> str:
    """Return the words fit for XML and a terminal: what is not printable becomes U+FFFD."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in words)


def _width(letter: str) -> float:
    if letter in "ijlI.,:;|'!()[]{} ft":
        return 0.38
    if _wide(letter):
        return 1.05
    return 0.92 if letter in "mwMW@%—" else 0.74 if letter.isupper() else 0.62


def _wide(letter: str) -> bool:
    return ord(letter) >= 0x2E80


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else escape(str(value))
