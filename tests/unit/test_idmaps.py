"""The picture of an id map."""

from __future__ import annotations

from pathlib import Path

import pytest

from minidocker.pictures.id_maps import id_maps


def test_each_range_has_its_row_and_what_is_left_is_nobody(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7/uid_map").write_text("   0   1000      1\n   1 100000  65535\n")
    picture = id_maps(7, root=tmp_path)
    assert [list(row[:2]) for row in picture.rows] == [
        ["0", "1000"], ["1 … 65535", "100000 … 165534"],
        ["no id: shown as 65534", "all others, root of the host too"],
    ]  # fmt: skip
    assert "0 inside is 1000 outside" in picture.desc
    with pytest.raises(LookupError):
        id_maps(8, root=tmp_path)


def test_the_first_namespace_maps_root_to_itself(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "1/uid_map").write_text("         0          0 4294967295\n")
    picture = id_maps(1, root=tmp_path)
    assert [list(row) for row in picture.rows] == [["0 … 4294967294", "0 … 4294967294", "root of the host"]]
