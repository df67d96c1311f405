"""Read a tar archive as a stream: headers become Members.

An archive is a row of 512-byte headers, each followed by that member's data, padded to 512; a
header of zeros ends it. Sizes and names that do not fit stand in extra members before the one
that they belong to: GNU's (types L and K) or POSIX's (types x and g, "pax": LENGTH KEY=VALUE\\n).
See tar(5), and pax in POSIX.1-2017.

Why not `tarfile`: names stay bytes here, the file need not seek, a member costs a quarter of the
time, and that of Debian 12's Python loops for ever on a negative size (CVE-2025-8194). The tests
compare the two.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from minidocker.errors import UsageError
from minidocker.images.archive import sparse
from minidocker.images.archive.member import LINK, Member, Pax
from minidocker.images.archive.stream import Stream, shown

BLOCK = 512
LARGEST_EXTRA = 1 << 20  # bytes of pax and long names for one member: real ones have hundreds
XATTR = b"SCHILY.xattr."

KINDS = {
    b"0": stat.S_IFREG, b"\0": stat.S_IFREG, b"7": stat.S_IFREG, b"S": stat.S_IFREG,
    b"1": LINK, b"2": stat.S_IFLNK, b"3": stat.S_IFCHR, b"4": stat.S_IFBLK,
    b"5": stat.S_IFDIR, b"6": stat.S_IFIFO,
}  # fmt: skip

class Archive:
    """The members of a tar stream: iterate, and after each call `data()` if its bytes are wanted.

    UsageError for what is not a tar archive, is damaged or is cut short. `complete` is False
    afterwards where the archive stops without its header of zeros: it may have been cut.
    """

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.complete = True
        self._defaults: Pax = {}
        self.left = 0  # data of this member that nobody has asked for
        self._padding = 0
        self._extra = 0  # bytes that extend the next member, and those of the defaults
        self._extra_defaults = 0

    def __iter__(self) -> Iterator[Member]:
        pax = dict(self._defaults)
        while header := self._header():
            kind = header[156:157]
            if kind in (b"x", b"g", b"L", b"K"):
                self._extend(kind, self._long(header), pax)
            elif kind != b"V":  # V is the label of a tape
                yield self._member(header, kind, pax)
                self._skip()
                pax = dict(self._defaults)
                self._extra = self._extra_defaults

    def data(self, size: int | None = None) -> Iterator[memoryview]:
        """Yield `size` bytes of the member's data, or all; what is begun must be read whole."""
        size = self.left if size is None else size
        self.left -= size
        return self.stream.pieces(size)

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes of the current member's data."""
        if size > self.left:
            raise self.stream.damaged("a member is shorter than its own map")
        self.left -= size
        return self.stream.take(size)

    def _skip(self) -> None:
        for _ in self.data():
            pass
        self.stream.take(self._padding)
        self._padding = 0

    def _expect(self, size: int) -> None:
        if size < 0:
            raise self.stream.damaged("a size below zero")
        self.left = size
        self._padding = -size % BLOCK

    def _header(self) -> bytes | None:
        """Return the next header whose checksum is right; None at the end."""
        stream = self.stream
        first = stream.position == 0
        if stream.at_end():
            if first:
                raise UsageError(f"{stream.title} is empty", "give a tar archive")
            self.complete = False
            return None
        try:
            header = stream.take(BLOCK)
            if not header.strip(b"\0"):
                return None
            # The checksum is the sum of all bytes, its own eight read as spaces.
            if sum(header) - sum(header[148:156]) + 8 * 32 == self.number(header[148:156]):
                return header
            raise stream.damaged("a header's checksum is wrong")
        except UsageError:
            if not first:
                raise
        raise UsageError(
            f"{stream.title} is not a tar archive",
            "make one: tar -C ROOTFS --numeric-owner --xattrs --xattrs-include='*' -cf NAME.tar .",
        )

    def number(self, field: bytes) -> int:
        """Read octal digits, or GNU's base 256 (first bit set; two's complement)."""
        if field[0] & 0x80:
            value = int.from_bytes(field, "big")
            bits = 8 * len(field)
            return value - (1 << bits) if field[0] == 0xFF else value - (1 << bits - 1)
        digits = field.partition(b"\0")[0].strip()
        if digits.strip(b"01234567"):
            raise self.stream.damaged(f"{shown(digits)} is not a number")
        return int(digits or b"0", 8)

    # Members that extend the next one

    def _long(self, header: bytes) -> bytes:
        size = self.number(header[124:136])
        self._expect(size)
        self._extra += size
        if self._extra > LARGEST_EXTRA:  # it would all be kept in memory
            raise self.stream.damaged(f"a member with {self._extra} bytes of extra headers")
        data = b"".join(self.data())
        self._skip()
        return data

    def _extend(self, kind: bytes, data: bytes, pax: Pax) -> None:
        if kind == b"L":
            pax.setdefault(b"path", data.partition(b"\0")[0])
        elif kind == b"K":
            pax.setdefault(b"linkpath", data.partition(b"\0")[0])
        else:
            found = self._records(data)
            _merge(pax, found)
            if kind == b"g":
                _merge(self._defaults, found)
                self._extra_defaults += len(data)

    def _records(self, data: bytes) -> Pax:
        """Split pax records; the repeated keys of GNU.sparse 0.0 become one GNU.sparse.map."""
        found: Pax = {}
        extents = []
        at = 0
        while at < len(data) and data[at]:
            digits, space, _ = data[at : at + 20].partition(b" ")
            end = at + int(digits) if digits.isdigit() else 0
            key, equals, value = data[at + len(digits) + 1 : end - 1].partition(b"=")
            if not (space and equals and at < end <= len(data) and data[end - 1] == 10):
                raise self.stream.damaged("a pax record is not LENGTH KEY=VALUE")
            if key in (b"GNU.sparse.offset", b"GNU.sparse.numbytes"):
                extents.append(value)
            found[key] = value
            at = end
        if extents:
            found[b"GNU.sparse.map"] = b",".join(extents)
        return found

    # The member itself

    def _member(self, header: bytes, kind: bytes, pax: Pax) -> Member:
        m = Member()
        try:
            m.kind = KINDS[kind]
        except KeyError:
            raise self.stream.damaged(f"a member of the unknown type {shown(kind)}") from None
        m.name = pax.get(b"path") or _ustar_name(header)
        m.link = pax.get(b"linkpath") or header[157:257].partition(b"\0")[0]
        m.mode = self.number(header[100:108]) & 0o7777
        m.uid = self._field(pax, b"uid", header[108:116])
        m.gid = self._field(pax, b"gid", header[116:124])
        m.size = self._field(pax, b"size", header[124:136])
        if b"mtime" in pax:
            m.mtime = self._time(pax[b"mtime"])
        else:
            m.mtime = self.number(header[136:148]) * 10**9
        m.xattrs = {k[len(XATTR) :]: v for k, v in pax.items() if k.startswith(XATTR)}
        for text in (m.name, m.link, *m.xattrs):
            if b"\0" in text:
                raise self.stream.damaged(f"{shown(text)}: a name with a zero byte")
        m.extents = None
        m.device = 0
        if kind == b"\0" and m.name.endswith(b"/"):
            m.kind = stat.S_IFDIR  # before 1988 a directory was this
        if m.kind in (stat.S_IFCHR, stat.S_IFBLK):
            m.device = self._device(self.number(header[329:337]), self.number(header[337:345]))
        if m.kind != stat.S_IFREG:
            m.size = 0  # a hard link may repeat its file's size, and has no data
        m.stored = m.size
        self._expect(m.size)
        if m.kind == stat.S_IFREG and (kind == b"S" or b"GNU.sparse.m" in b" ".join(pax)):
            sparse.read_map(self, m, header, pax)
        return m

    def _device(self, major: int, minor: int) -> int:
        """Put a device number together: Linux has 12 bits for the one half, 20 for the other."""
        if not 0 <= major < 1 << 12 or not 0 <= minor < 1 << 20:
            raise self.stream.damaged(f"{major}:{minor} is no device number")
        return os.makedev(major, minor)

    def _field(self, pax: Pax, key: bytes, field: bytes) -> int:
        return self.decimal(pax[key]) if key in pax else self.number(field)

    def decimal(self, digits: bytes) -> int:
        """Read decimal digits, and nothing else."""
        if not digits.isdigit() or len(digits) > 20:
            raise self.stream.damaged(f"{shown(digits)} is not a number")
        return int(digits)

    def _time(self, text: bytes) -> int:
        """Seconds with a fraction → nanoseconds, with no float between."""
        whole, _, fraction = text.partition(b".")
        digits = whole.removeprefix(b"-") + fraction
        if not digits.isdigit() or len(digits) > 40:
            raise self.stream.damaged(f"{shown(text)} is not a time")
        seconds, rest = int(whole or b"0"), int(fraction[:9].ljust(9, b"0") or b"0")
        return seconds * 10**9 + (-rest if whole.startswith(b"-") else rest)


def _merge(pax: Pax, found: Pax) -> None:
    """Add records to others: one that is empty takes its key away, so that the header counts.

    But an extended attribute may well be empty.
    """
    for key, value in found.items():
        if value or key.startswith(XATTR):
            pax[key] = value
        else:
            pax.pop(key, None)


def _ustar_name(header: bytes) -> bytes:
    name = header[:100].partition(b"\0")[0]
    if header[257:263] == b"ustar\0" and header[345]:  # GNU's own magic has a space, and no prefix
        return header[345:500].partition(b"\0")[0] + b"/" + name
    return name
