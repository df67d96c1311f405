"""A layer that is unpacked once more, by a learner's apply_layer: theirs counts where it is right.

Ours stands already, so a hostile archive was refused, and there is a tree to compare with.
"""

from __future__ import annotations

import filecmp
import os
import shutil
import stat
import tarfile
from collections.abc import Callable
from typing import Any

from minidocker.errors import UsageError
from minidocker.images.archive.stream import shown

Unpack = Callable[[str, str], Any]  # apply_layer(tar, directory)


def unpack_again(unpack: Unpack, packed: str, ours: str, title: str) -> None:
    """Let `unpack` make the tree of the archive `packed`; it takes the place of the tree `ours`.

    UsageError names the first thing that is not the same in both: then ours stays.
    """
    theirs = f"{ours}.theirs"
    os.mkdir(theirs, stat.S_IMODE(os.lstat(ours).st_mode))
    unpack(packed, theirs)
    shutil.copystat(ours, theirs)  # the root's own: an archive need not say anything of it
    named = _named(packed)
    wanted, found = _facts(ours, named), _facts(theirs, named)
    for path in sorted({*wanted, *found}):
        if wanted.get(path) == found.get(path) and _same_bytes(ours, theirs, path):
            continue
        what = "is missing" if path not in found else "is not what the archive says"
        raise UsageError(
            f"apply_layer does not unpack {title} as we do: {shown(path)} {what}",
            "leave --mine out, or minidocker grade apply_layer",
        )
    os.rename(ours, f"{ours}.ours")
    os.rename(theirs, ours)
    shutil.rmtree(f"{ours}.ours")


def _named(packed: str) -> set[bytes]:
    """Return the paths that an archive names; it may imply directories besides."""
    with tarfile.open(packed) as tar:
        return {os.path.normpath(os.fsencode(f"/{one.name}")).lstrip(b"/") for one in tar}


def _facts(top: str, named: set[bytes]) -> dict[bytes, tuple[object, ...]]:
    """Return what each name of a tree is: kind, mode, owner, size, names, place of a link, time.

    A directory that the archive does not name has the time at which it was made: no two have one.
    """
    found: dict[bytes, tuple[object, ...]] = {}
    for folder, folders, others in os.walk(os.fsencode(top)):
        for name in (*folders, *others):
            path = os.path.join(folder, name)
            info, inside = os.lstat(path), os.path.relpath(path, os.fsencode(top))
            size = (info.st_size, info.st_nlink) if stat.S_ISREG(info.st_mode) else ()
            link = os.readlink(path) if stat.S_ISLNK(info.st_mode) else b""
            when = int(info.st_mtime) if inside in named else None
            found[inside] = (info.st_mode, info.st_uid, info.st_gid, size, link, when)
    return found


def _same_bytes(ours: str, theirs: str, path: bytes) -> bool:
    """Compare what two regular files hold; their sizes are equal."""
    one, other = (os.path.join(os.fsencode(top), path) for top in (ours, theirs))
    return not stat.S_ISREG(os.lstat(one).st_mode) or filecmp.cmp(one, other, shallow=False)
