"""What a grading prints, where colours are shown."""

from __future__ import annotations

import sys

import pytest

from minidocker.course import printer


def luminance(colour: str) -> float:
    """The relative luminance of #rrggbb, as WCAG defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("paper", ["#ffffff", "#111111"])
def test_a_notebook_gets_colours_that_both_themes_can_show(paper: str) -> None:
    for colour in printer.EVERYWHERE.values():
        bright, dark = sorted((luminance(colour), luminance(paper)), reverse=True)
        assert (bright + 0.05) / (dark + 0.05) >= 4


def test_no_state_has_a_colour_of_the_notebooks_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    out = printer.Printer()
    assert not sys.stdout.isatty()
    for style in [*printer.STYLES.values(), "red"]:
        out.line("text", style)
    lines = capsys.readouterr().out.splitlines()
    for style, line in zip([*printer.STYLES.values(), "red"], lines, strict=True):
        assert ("38;2;" in line) == any(word in printer.EVERYWHERE for word in style.split())
        assert not any(f"[{code}m" in line or f"[1;{code}m" in line for code in range(31, 38))
