"""How a layer says "deleted": in overlay's own form on disk, and in the form of a layer tar.

    what is meant                      in a directory of overlay     in a layer tar
    NAME is deleted                    NAME, a character device 0:0  .wh.NAME, an empty file
    nothing below shows through here   trusted.overlay.opaque = y    .wh..wh..opq, an empty file

See "whiteouts and opaque directories" in the kernel's Documentation/filesystems/overlayfs.rst, and
layer.md of the OCI image specification, "Whiteouts".
"""

from __future__ import annotations

import os
import stat

PREFIX = b".wh."
OPAQUE = b".wh..wh..opq"
OPAQUE_ATTRIBUTE = "overlay.opaque"
SPACES = ("trusted", "user")  # user.overlay.…: what overlay writes when mounted with userxattr


def is_whiteout(info: os.stat_result) -> bool:
    """Say whether this is overlay's mark for a deleted name; all of them may be one inode."""
    return stat.S_ISCHR(info.st_mode) and info.st_rdev == 0


def is_opaque(path: bytes) -> bool:
    """Say whether a directory hides all that lies below it."""
    for space in SPACES:
        try:
            if os.getxattr(path, f"{space}.{OPAQUE_ATTRIBUTE}", follow_symlinks=False) == b"y":
                return True
        except OSError:
            continue  # no such attribute, or none of that kind here
    return False


def inside(parent: int, name: bytes) -> bytes:
    """Return a path for calls that take no directory descriptor, such as getxattr(2)."""
    return b"/proc/self/fd/%d/%s" % (parent, name)
