"""Write the headers of a tar archive: the way back from `tar`. Equal members give equal bytes.

What does not fit into the 512 bytes of a header stands in pax records before it (LENGTH KEY=VALUE):
long names, numbers too large, parts of a second, extended attributes, the map of a sparse file.
Times of last access and the names of owners are left out: they differ from machine to machine.
"""

from __future__ import annotations

import os
import stat

from minidocker.images.archive.member import LINK, Member, Pax
from minidocker.images.archive.tar import BLOCK, XATTR

TYPES = {
    stat.S_IFREG: b"0", LINK: b"1", stat.S_IFLNK: b"2", stat.S_IFCHR: b"3", stat.S_IFBLK: b"4",
    stat.S_IFDIR: b"5", stat.S_IFIFO: b"6",
}  # fmt: skip
END = bytes(2 * BLOCK)
LONGEST = 100  # bytes of a name in a header
LARGEST_ID = 0o7777777
LARGEST_SIZE = LARGEST_TIME = 0o77777777777
SECOND = 10**9


def padding(size: int) -> bytes:
    """Return the zeros that fill data of this size up to a whole block."""
    return bytes(-size % BLOCK)


def header(member: Member) -> bytes:
    """Return all that comes before a member's data; for a sparse file its map, too.

    The data that must follow are `member.size` bytes, or those of `member.extents`; then padding.
    """
    pax = _pax(member)
    size, before = member.size, b""
    if member.extents is not None:
        before = sparse_map(member.extents)
        size = len(before) + sum(length for _, length in member.extents)
    plain = _block(member, TYPES[member.kind], size)
    if not pax:
        return plain + before
    records = b"".join(_record(key, pax[key]) for key in sorted(pax))
    extra = Member()
    extra.name = (b"PaxHeaders/" + member.name.rstrip(b"/").rpartition(b"/")[2])[:LONGEST]
    extra.mode, extra.uid, extra.gid, extra.mtime, extra.device = 0o644, 0, 0, 0, 0
    extra.link = b""
    first = _block(extra, b"x", len(records))
    return first + records + padding(len(records)) + plain + before


def sparse_map(extents: list[tuple[int, int]]) -> bytes:
    """Write where a sparse file's data lie: GNU tar's version 1.0, decimal lines, padded."""
    numbers = [len(extents)] + [number for extent in extents for number in extent]
    text = b"".join(b"%d\n" % number for number in numbers)
    return text + padding(len(text))


def _pax(member: Member) -> Pax:
    """Say what the header cannot."""
    pax: Pax = {}
    if len(member.name) > LONGEST:
        pax[b"path"] = member.name
    if len(member.link) > LONGEST:
        pax[b"linkpath"] = member.link
    for key, number in ((b"uid", member.uid), (b"gid", member.gid)):
        if number > LARGEST_ID:
            pax[key] = b"%d" % number
    if member.extents is not None:
        pax |= {
            b"GNU.sparse.major": b"1", b"GNU.sparse.minor": b"0",
            b"GNU.sparse.name": member.name, b"GNU.sparse.realsize": b"%d" % member.size,
        }  # fmt: skip
    elif member.size > LARGEST_SIZE:
        pax[b"size"] = b"%d" % member.size
    if member.mtime % SECOND or not 0 <= member.mtime <= LARGEST_TIME * SECOND:
        seconds, rest = divmod(abs(member.mtime), SECOND)
        pax[b"mtime"] = b"%s%d.%09d" % (b"-" if member.mtime < 0 else b"", seconds, rest)
    for name, value in member.xattrs.items():
        pax[XATTR + name.replace(b"%", b"%25").replace(b"=", b"%3D")] = value
    return pax


def _record(key: bytes, value: bytes) -> bytes:
    """Write LENGTH KEY=VALUE and a newline; the length counts its own digits."""
    rest = b" %s=%s\n" % (key, value)
    length = len(rest) + 1
    while len(b"%d" % length) + len(rest) != length:
        length += 1
    return b"%d%s" % (length, rest)


def _block(member: Member, kind: bytes, size: int) -> bytes:
    """Write the 512 bytes of a header; a number that does not fit is 0, and stands in pax."""
    seconds = member.mtime // SECOND

    def octal(number: int, largest: int, width: int) -> bytes:
        return b"%0*o\0" % (width - 1, number if 0 <= number <= largest else 0)

    device = b""
    if kind in (b"3", b"4"):
        device = b"%07o\0%07o\0" % (os.major(member.device), os.minor(member.device))
    fields = (
        (member.name[:LONGEST], 100),
        (octal(member.mode, 0o7777, 8), 8),
        (octal(member.uid, LARGEST_ID, 8), 8),
        (octal(member.gid, LARGEST_ID, 8), 8),
        (octal(size, LARGEST_SIZE, 12), 12),
        (octal(seconds, LARGEST_TIME, 12), 12),
        (b" " * 8, 8),  # the checksum, counted as spaces
        (kind, 1),
        (member.link[:LONGEST], 100),
        (b"ustar\x0000", 72),  # magic, version; no names of owners
        (device, 183),
    )
    block = b"".join(value.ljust(width, b"\0") for value, width in fields)
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]
