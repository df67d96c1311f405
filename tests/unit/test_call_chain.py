"""call_chain: as many boxes as programs, and the same facts as a table."""

from __future__ import annotations

import pytest

from minidocker.pictures.call_chain import call_chain


def test_each_program_has_its_box_and_its_row() -> None:
    picture = call_chain(["podman", "conmon", "runtime", "sh", "conmon"], {"sh": "the command"}, "runtime")
    assert picture.rows[2] == ("3", "runtime", "")
    assert picture.rows[3] == ("4", "sh", "the command")
    assert picture.svg().count("<rect") == 1 + 5
    assert "podman, conmon, runtime, sh, conmon" in picture.text()


def test_nothing_is_no_chain() -> None:
    with pytest.raises(ValueError, match="no program"):
        call_chain([], {})
