"""Member: one entry of a tar archive."""

from __future__ import annotations

LINK = 0  # the `kind` of a hard link; every other kind is an S_IFMT value of inode(7)

Pax = dict[bytes, bytes]


class Member:
    """One entry of an archive. Names and links are bytes, as in the archive; `mtime` is in ns.

    `kind` is an S_IFMT value, or LINK; `size` is that of the file, `stored` the bytes of it that
    follow in the archive; `extents` are (offset, length) of a sparse file's data, else None.
    """

    __slots__ = (
        "device", "extents", "gid", "kind", "link", "mode", "mtime", "name", "size", "stored",
        "uid", "xattrs",
    )  # fmt: skip

    name: bytes
    kind: int
    mode: int
    uid: int
    gid: int
    mtime: int
    size: int
    stored: int
    link: bytes
    device: int
    extents: list[tuple[int, int]] | None
    xattrs: Pax
