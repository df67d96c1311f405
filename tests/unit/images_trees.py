"""For the tests of images: archives made by hand, and trees told as plain values."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Tree = dict[bytes, tuple[Any, ...]]


def snapshot(root: Path | str, owners: bool = True) -> Tree:
    """Tell all that a tree is: path → (mode, owner, device, mtime in ns, data, attributes, names).

    `names` are the other names of the same file, so that hard links count.
    """
    found: Tree = {}
    same: dict[int, list[bytes]] = {}
    top = os.fsencode(root)
    paths = [top]
    for folder, folders, names in os.walk(top):
        paths += [os.path.join(folder, name) for name in folders + names]
    for path in paths:
        info = os.lstat(path)
        if not stat.S_ISDIR(info.st_mode):
            same.setdefault(info.st_ino, []).append(os.path.relpath(path, top))
    for path in paths:
        info = os.lstat(path)
        data: Any = None
        if stat.S_ISREG(info.st_mode):
            data = Path(os.fsdecode(path)).read_bytes()
        elif stat.S_ISLNK(info.st_mode):
            data = os.readlink(path)
        attributes = {
            name: os.getxattr(path, name, follow_symlinks=False)
            for name in os.listxattr(path, follow_symlinks=False)
        }
        found[os.path.relpath(path, top)] = (
            oct(info.st_mode),
            (info.st_uid, info.st_gid) if owners else (),
            info.st_rdev,
            info.st_mtime_ns,
            data,
            attributes,
            sorted(same.get(info.st_ino, [])),
        )
    return found


def member(name: str, data: bytes = b"", **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    """Make a member: a file, unless `type` says otherwise. Owner 0:0, time 1, mode 644."""
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = len(data), 1, 0o644
    for field, value in fields.items():
        setattr(info, field, value)
    return info, data


def folder(name: str, mode: int = 0o755, **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    """Make a member that is a directory."""
    return member(name, type=tarfile.DIRTYPE, mode=mode, **fields)


def link(name: str, target: str, **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    """Make a member that is a symbolic link."""
    return member(name, type=tarfile.SYMTYPE, linkname=target, **fields)


def hard(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    """Make a member that is a hard link."""
    return member(name, type=tarfile.LNKTYPE, linkname=target)


def archive(
    members: Iterable[tuple[tarfile.TarInfo, bytes]], format: int = tarfile.PAX_FORMAT
) -> bytes:
    """Return the bytes of an archive of these members; names may be as hostile as you like."""
    out = io.BytesIO()
    with tarfile.open(
        fileobj=out, mode="w", format=format, encoding="utf-8", errors="surrogateescape"
    ) as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()
