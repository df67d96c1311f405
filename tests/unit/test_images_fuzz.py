"""Archives with thousands of small mistakes: each gives a sentence or a tree, never a traceback."""

from __future__ import annotations

import io
import os
import random
import shutil
from pathlib import Path

import pytest

from minidocker.errors import MinidockerError
from minidocker.images.archive import apply, unpack
from minidocker.images.archive.stream import Stream
from minidocker.images.archive.tar import BLOCK, Archive

CASES = int(os.environ.get("MINIDOCKER_FUZZ", "1500"))
SEED = int(os.environ.get("MINIDOCKER_SEED", "0")) or random.SystemRandom().randrange(1 << 32)
FIELDS = ((0, 100), (100, 108), (108, 116), (116, 124), (124, 136), (136, 148), (157, 257),
          (257, 265), (329, 337), (337, 345), (345, 500))  # fmt: skip


def header(name: bytes, kind: bytes, size: int = 0, link: bytes = b"") -> bytearray:
    block = bytearray(BLOCK)
    block[0 : len(name)] = name
    block[100:108], block[108:116], block[116:124] = b"0000755\0", b"0000000\0", b"0000000\0"
    block[124:136], block[136:148] = b"%011o\0" % size, b"00000000001\0"
    block[156:157], block[157 : 157 + len(link)], block[257:265] = kind, link, b"ustar\x0000"
    block[329:337] = block[337:345] = b"0000001\0"
    return block


def signed(block: bytearray) -> bytes:
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def number(dice: random.Random) -> bytes:
    """A number as tar writes it: octal, base 256, below zero, or none at all."""
    value = dice.choice(
        [0, 1, 7, 255, 4095, 4096, 1 << 20, 1 << 31, 1 << 32, 1 << 55, -1, -(1 << 40)]
    )
    match dice.randrange(4):
        case 0:
            return b"%o" % abs(value)
        case 1:
            return (0x80 << 56 | value & (1 << 55) - 1).to_bytes(8, "big")
        case 2:
            return (value & (1 << 64) - 1).to_bytes(8, "big")
    return dice.randbytes(8)


def text(dice: random.Random) -> bytes:
    parts = [
        b"a",
        b"..",
        b".",
        b"",
        b"\0",
        b"x" * 300,
        b"\xff",
        b"b\0c",
        b".wh.a",
        b".wh..wh..opq",
        b"\n",
        b" ",
    ]
    return b"/".join(dice.choice(parts) for _ in range(dice.randrange(4)))


def record(key: bytes, value: bytes) -> bytes:
    rest = b" %s=%s\n" % (key, value)
    length = len(rest) + 1
    while len(b"%d" % length) + len(rest) != length:
        length += 1
    return b"%d%s" % (length, rest)


def pax(dice: random.Random) -> bytes:
    """A header of pax records, with what hurts: zero bytes, long values, sparse maps, attributes."""
    keys = [b"path", b"linkpath", b"size", b"uid", b"gid", b"mtime", b"GNU.sparse.major", b"GNU.sparse.minor",
            b"GNU.sparse.map", b"GNU.sparse.size", b"GNU.sparse.realsize", b"GNU.sparse.name", b"SCHILY.xattr.user.a",
            b"SCHILY.xattr.", b"SCHILY.xattr.user.\0", b"SCHILY.xattr.security.capability",
            b"SCHILY.xattr.trusted.overlay.opaque", b"SCHILY.xattr.user." + b"y" * 260, b"SCHILY.xattr.user.\xff%3D",
            b"SCHILY.xattr.bad"]  # fmt: skip
    values = [
        b"",
        b"0",
        b"1",
        b"-1",
        b"1,2",
        b"0,9,5,1",
        b"9" * 19,
        b"9" * 30,
        b"1.5",
        b"\0",
        b"y",
        b"\xff" * 9,
        text(dice),
    ]
    return b"".join(
        record(dice.choice(keys), dice.choice(values)) for _ in range(dice.randrange(1, 4))
    )


def one(dice: random.Random) -> bytes:
    """One archive: a few members, of which some have fields that are wrong."""
    out = b""
    for _ in range(dice.randrange(1, 6)):
        if dice.random() < 0.5:
            body = pax(dice)
            out += signed(header(b"p", dice.choice([b"x", b"x", b"g"]), len(body))) + body.ljust(
                -(-len(body) // BLOCK) * BLOCK, b"\0"
            )
        body = dice.randbytes(dice.choice([0, 0, 5, 600]))
        kind = dice.choice(
            [b"0", b"1", b"2", b"3", b"4", b"5", b"6", b"\0", b"S", b"L", b"K", b"V", b"7", b"Z"]
        )
        block = header(text(dice)[:100], kind, len(body), text(dice)[:100])
        for _ in range(dice.randrange(3)):
            first, last = dice.choice(FIELDS)
            value = number(dice) if 100 <= first < 157 or first in (329, 337) else text(dice)
            block[first:last] = (
                value[: last - first].rjust(last - first, b"\0")
                if dice.random() < 0.3
                else value[: last - first].ljust(last - first, b"\0")
            )
        out += signed(block) + body.ljust(-(-len(body) // BLOCK) * BLOCK, b"\0")
    return out + bytes(2 * BLOCK)


@pytest.mark.parametrize("way", [unpack.Unpacker, apply.Lower, apply.Merge])
def test_no_archive_gives_a_traceback(way: type[unpack.Unpacker], tmp_path: Path) -> None:
    dice = random.Random(SEED)
    print(f"MINIDOCKER_SEED={SEED}")
    told = 0
    for number_ in range(CASES):
        data = one(dice)
        root = tmp_path / "root"
        root.mkdir()
        try:
            way(str(root), "x.tar").unpack(Archive(Stream(io.BytesIO(data).read, "x.tar")))
        except MinidockerError as problem:
            told += "\0" not in str(problem)
        except Exception as problem:
            raise AssertionError(f"seed {SEED}, archive {number_}: {problem!r}") from problem
        finally:
            shutil.rmtree(root, ignore_errors=True)
        assert sorted(os.listdir(tmp_path)) == []
    assert 0 < told < CASES


def test_a_zero_byte_in_the_name_of_an_attribute_is_a_sentence(tmp_path: Path) -> None:
    body = record(b"SCHILY.xattr.user.a\0b", b"1")
    data = (
        signed(header(b"p", b"x", len(body)))
        + body.ljust(BLOCK, b"\0")
        + signed(header(b"f", b"0"))
        + bytes(1024)
    )
    with pytest.raises(MinidockerError, match="zero byte"):
        unpack.Unpacker(str(tmp_path), "x.tar").unpack(
            Archive(Stream(io.BytesIO(data).read, "x.tar"))
        )


@pytest.mark.parametrize(
    "major", [b"\x80\0\0\0\0\0\x10\0", b"\xff" * 8, b"\x80\xff\xff\xff\xff\xff\xff\xff"]
)
def test_a_device_number_that_no_device_has_is_a_sentence(tmp_path: Path, major: bytes) -> None:
    block = header(b"d", b"3")
    block[329:337] = major
    with pytest.raises(MinidockerError, match="no device number"):
        unpack.Unpacker(str(tmp_path), "x.tar").unpack(
            Archive(Stream(io.BytesIO(signed(block) + bytes(1024)).read, "x.tar"))
        )
