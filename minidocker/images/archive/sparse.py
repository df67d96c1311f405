"""Sparse files in a tar archive: where their data lies.

Four ways of writing (offset, length) pairs are in use, see "Storing Sparse Files" in the manual of
GNU tar: type S (pairs in the header and in extra blocks), pax 0.0 and 0.1 (pairs in pax records),
and pax 1.0 (pairs as decimal lines before the data).
"""

from __future__ import annotations

from typing import Protocol

from minidocker.images.archive.member import Member, Pax
from minidocker.images.archive.stream import Stream

BLOCK = 512
LARGEST = 2 << 40  # bytes that a file may seem to have: a /var/log/lastlog has some 1.3e12
MOST = 1 << 20  # pieces of one file


class Archive(Protocol):
    """What a map is read from: a `tar.Archive` that stands at the member's data."""

    stream: Stream
    left: int

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes of the member's data."""

    def number(self, field: bytes) -> int:
        """Read a number of a header."""

    def decimal(self, digits: bytes) -> int:
        """Read a number of a pax record."""


def read_map(archive: Archive, member: Member, header: bytes, pax: Pax) -> None:
    """Set the member's `extents`, its real `size` and name, and `stored`, the data that follows.

    UsageError for a map with pieces that overlap, or that do not fit the file or the data.
    """
    if b"GNU.sparse.major" in pax:
        pairs = _lines(archive)
        member.size = archive.decimal(pax.get(b"GNU.sparse.realsize", b""))
    elif b"GNU.sparse.map" in pax:
        pairs = [archive.decimal(d) for d in pax[b"GNU.sparse.map"].split(b",") if d]
        member.size = archive.decimal(pax.get(b"GNU.sparse.size", b""))
    else:
        pairs = _blocks(archive, header)
        member.size = archive.number(header[483:495])
    member.name = pax.get(b"GNU.sparse.name", member.name)
    member.stored = archive.left
    member.extents = list(zip(pairs[::2], pairs[1::2], strict=False))
    end = 0
    for offset, length in member.extents:
        if offset < end or length < 0:
            raise archive.stream.damaged("the pieces of a sparse file overlap")
        end = offset + length
    if end > member.size or sum(length for _, length in member.extents) != member.stored:
        raise archive.stream.damaged("the pieces of a sparse file do not fit it")
    if member.size > LARGEST:
        raise archive.stream.damaged(f"a sparse file of {member.size} bytes")


def _blocks(archive: Archive, header: bytes) -> list[int]:
    """Type S: four pairs in the header, then 21 in each extra block while its flag says so."""
    pairs = _fields(archive, header[386:482])
    more = header[482]
    while more:
        block = archive.stream.take(BLOCK)  # not counted in the member's size
        pairs += _fields(archive, block[:504])
        more = block[504]
        if len(pairs) > 2 * MOST:
            raise archive.stream.damaged("a sparse file of too many pieces")
    return pairs


def _fields(archive: Archive, data: bytes) -> list[int]:
    numbers = []
    for at in range(0, len(data), 24):
        if data[at : at + 24].strip(b"\0"):
            numbers += [archive.number(data[at : at + 12]), archive.number(data[at + 12 : at + 24])]
    return numbers


def _lines(archive: Archive) -> list[int]:
    """Pax 1.0: a count, then offset, length, offset, …, a line each, padded to a block."""
    chunks = [archive.take(BLOCK)]
    count = archive.decimal(chunks[0].partition(b"\n")[0])
    lines = chunks[0].count(b"\n")
    if count > MOST:
        raise archive.stream.damaged("a sparse file of too many pieces")
    while lines < 1 + 2 * count:
        chunks.append(archive.take(BLOCK))
        lines += chunks[-1].count(b"\n")
        if not lines > len(chunks):  # a number has at most 20 digits
            raise archive.stream.damaged("the map of a sparse file holds no numbers")
    numbers = b"".join(chunks).split(b"\n")[1 : 1 + 2 * count]
    return [archive.decimal(number) for number in numbers]
