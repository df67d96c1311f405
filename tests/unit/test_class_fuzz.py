"""Archives and tables with some bytes changed: one sentence, or what was there; nothing else."""

from __future__ import annotations

import contextlib
import csv
import io
import random
import tarfile
import zipfile

from hypothesis import given, settings
from hypothesis import strategies as st

from minidocker.classroom import archives, platforms
from minidocker.classroom.archives import Damaged
from minidocker.classroom.exports import cells
from minidocker.errors import UsageError

ROUNDS = 300


def small_zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/01_pid.py", "x = 1\n" * 50)
        archive.writestr("ü/" + "n" * 40, b"y")
    return out.getvalue()


def small_tar(mode: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as tar:
        for name in ("a/01_pid.py", "l" * 120, "ü"):
            entry = tarfile.TarInfo(name)
            entry.size = 300
            tar.addfile(entry, io.BytesIO(b"x = 1\n" * 50))
    return out.getvalue()


def changed(data: bytes, dice: random.Random) -> bytes:
    """A copy with a few bytes changed, cut out or doubled."""
    copy = bytearray(data)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(copy))
        kind = dice.randrange(4)
        if kind == 0:
            copy[at] = dice.randrange(256)
        elif kind == 1:
            copy[at : at + 4] = bytes(dice.choice((0, 255)) for _ in range(4))
        elif kind == 2:
            del copy[at : at + dice.randint(1, 40)]
        else:
            copy[at:at] = copy[at : at + dice.randint(1, 40)]
        copy = copy or bytearray(b"x")
    return bytes(copy)


def test_a_changed_archive_is_read_or_damaged() -> None:
    dice = random.Random(18)
    seen = {"read": 0, "damaged": 0, "refused": 0}
    for data in (small_zip(), small_tar("w"), small_tar("w:gz"), small_tar("w:xz")):
        for _ in range(ROUNDS):
            try:
                for member in archives.of_archive(io.BytesIO(changed(data, dice)), "x"):
                    text, why = archives.text_or_why(member)
                    assert isinstance(text, bytes) and len(text) <= 256_000
                    seen["refused" if why else "read"] += 1
            except Damaged as problem:
                seen["damaged"] += bool(str(problem))
    assert min(seen.values()) > 10, seen


TEXTS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=8)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.lists(TEXTS, min_size=2, max_size=4), min_size=1, max_size=5), st.booleans())
def test_a_table_is_read_as_csv_reads_it_and_a_cell_filled(rows: list[list[str]], bom: bool) -> None:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows(rows)
    text = ("\ufeff" if bom else "") + out.getvalue()
    found = cells._rows("x", text, ",")
    assert [[cell[2] for cell in row] for row in found] == rows
    sheet = cells.Sheet("x", text, ",", found)
    again = cells._rows("x", sheet.filled({(0, 1): 'a "new", one'}).decode(), ",")
    expected = [[*rows[0][:1], 'a "new", one', *rows[0][2:]], *rows[1:]]
    assert [[cell[2] for cell in row] for row in again] == expected


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=60), TEXTS, TEXTS)
def test_no_table_and_no_name_is_a_traceback(data: bytes, label: str, more: str) -> None:
    with contextlib.suppress(UsageError):
        cells.read("x", data)
    platforms.part_of(label)
    platforms.gradescope(f"{label}:\n  :sid: {more}\n{more}")
