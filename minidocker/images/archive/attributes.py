"""Give a file what its archive says besides data: owner, attributes, mode, times, in this order.

A write or a change of owner clears the setuid bit and the capability attribute, and everything but
the last step changes the times: see capabilities(7) and chown(2).
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from typing import TYPE_CHECKING

from minidocker.images.store import files

if TYPE_CHECKING:
    from minidocker.images.archive.member import Member

OVERLAY = (b"trusted.overlay.", b"user.overlay.")  # overlayfs would obey these, not keep them
NO_ID = 2**32 - 1  # for chown(2) this means "leave it"


class Dresser:
    """Dresses new files, which are still the process's own; `lose` is told what cannot be kept.

    OSError as the kernel gives it; OverflowError for an owner or a time that no file can have.
    """

    def __init__(self, lose: Callable[[str], None]) -> None:
        self.lose = lose
        self.user, self.group = os.geteuid(), os.getegid()
        self.real = files.is_real_root()  # a user namespace's root makes no device nodes

    def dress(self, fd: int, member: Member) -> None:
        """Dress an open file or directory."""
        if self._must_chown(member):
            os.fchown(fd, member.uid, member.gid)
        for name, value in member.xattrs.items():
            self._set(fd, name, value)
        os.fchmod(fd, member.mode)
        os.utime(fd, ns=(member.mtime, member.mtime))

    def dress_name(self, parent: int, name: bytes, member: Member) -> None:
        """Dress what cannot be opened: a link, or a node, since opening it would start a driver."""
        if self._must_chown(member):
            os.chown(name, member.uid, member.gid, dir_fd=parent, follow_symlinks=False)
        for attribute, value in member.xattrs.items():
            self._set(b"/proc/self/fd/%d/%s" % (parent, name), attribute, value)
        if member.kind != stat.S_IFLNK:
            os.chmod(name, member.mode, dir_fd=parent)
        times = (member.mtime, member.mtime)
        os.utime(name, ns=times, dir_fd=parent, follow_symlinks=False)

    def _must_chown(self, member: Member) -> bool:
        if not 0 <= member.uid < NO_ID or not 0 <= member.gid < NO_ID:
            raise OverflowError(f"the owner {member.uid}:{member.gid}")
        if self.user == 0:
            return member.uid != 0 or member.gid != self.group
        # Another user's 0:0 becomes that user, who is root in a user namespace; the rest is lost.
        if member.uid or member.gid:
            self.lose("owners")
        return False

    def _set(self, target: int | bytes, name: bytes, value: bytes) -> None:
        name = name.replace(b"%3D", b"=").replace(b"%25", b"%")  # as GNU tar writes them
        word = name.decode("utf-8", "backslashreplace")
        if name.startswith(OVERLAY):
            self.lose(word)
            return
        try:
            if isinstance(target, int):
                os.setxattr(target, name, value)
            else:
                os.setxattr(target, name, value, follow_symlinks=False)
        except OSError as problem:
            if problem.errno not in (errno.ENOTSUP, errno.EPERM, errno.EACCES):
                raise
            self.lose(word)
