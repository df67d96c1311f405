"""The picture of capability sets."""

from __future__ import annotations

from pathlib import Path

import pytest

from minidocker.pictures.capability_sets import capability_sets


def test_each_capability_is_in_one_of_four_states(tmp_path: Path) -> None:
    for pid, sets in {"1": (0b011, 0b101), "2": (0, 0)}.items():
        (tmp_path / pid).mkdir()
        (tmp_path / pid / "status").write_text(
            f"CapEff:\t{sets[0]:016x}\nCapBnd:\t{sets[1]:016x}\n"
        )
    picture = capability_sets([1, 2], ["one", "two"], root=tmp_path)
    assert [row[1] for row in picture.rows[:4]] == [
        "now, and after exec", "now only", "after exec only", "never",
    ]  # fmt: skip
    assert {row[2] for row in picture.rows} == {"never"}
    with pytest.raises(LookupError):
        capability_sets([3], root=tmp_path)
    with pytest.raises(ValueError, match="labels"):
        capability_sets([1], ["a", "b"], root=tmp_path)
