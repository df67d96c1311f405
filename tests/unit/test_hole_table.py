"""hole_table: four kinds of marks, each with its shape and its words."""

from __future__ import annotations

import pytest

from minidocker.pictures.hole_table import hole_table


def test_what_came_out_stands_beside_what_was_said() -> None:
    picture = hole_table(["a", "b"], ["pid", "ipc"], [{"pid"}, {"ipc"}], [{"pid", "ipc"}, set()])
    assert picture.rows == [
        ("a", "came out, and was said", "was said, and nothing came out"),
        ("b", "nothing came out", "came out, and was not said"),
    ]
    assert "2 holes let something out of 2 bundles; 1 of them were not said, and 1" in picture.text()


def test_without_words_it_shows_what_came_out_alone() -> None:
    assert hole_table(["a"], ["pid", "ipc"], [{"pid"}]).rows == [("a", "came out", "nothing came out")]
    with pytest.raises(ValueError, match="1 names"):
        hole_table(["a"], ["pid"], [])
