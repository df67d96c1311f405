"""What lies in a submitted folder, zip or tar: members by name, none of them ever written anywhere.

All of it is an enemy's. Names are labels: no path of an archive is opened. Only a member that is
asked for is unpacked, and never more of it than an exercise may have. Who calls this has limits on
memory and time (incoming.py), for what a parser itself can be made to do.
"""

from __future__ import annotations

import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from minidocker.course.exercise_file import MOST_BYTES

MOST_MEMBERS = 50_000
"""So many files may one submission have: a course's whole tree with its history, ten times."""
MOST_OF_CLASS = 500_000
"""So many may a zip of a whole class have: two hundred such trees."""
MOST_TAR = 256 << 20
"""So many bytes of a tar are read, unpacked: it has no table of contents."""
MOST_INNER = 128 << 20
"""So large may the archives in a submission be, together."""
ENCRYPTED = "it is encrypted"
BROKEN = "it cannot be unpacked"
ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
OTHERS = (".tar.zst", ".zst", ".rar", ".7z", ".py", ".ipynb", ".txt", ".pdf", ".docx", ".json")
"""Of files that are handed in all the same: what stands before the ending may be a login."""


class Damaged(Exception):
    """An archive that cannot be read: why."""


@dataclass(frozen=True)
class Member:
    """One file: `take(most)` returns its bytes, no more; `why` says why it is no file."""

    name: str
    take: Callable[[int], bytes] = lambda most: b""
    why: str = ""


def is_archive(name: str) -> bool:
    """Say whether a name ends as archives do."""
    return name.lower().endswith(ENDINGS)


def stem(name: str) -> str:
    """Return a file's name without the ending that says its kind: "ada" of ada.tar.gz."""
    kinds = (*ENDINGS[::-1], *OTHERS)
    ending = next((one for one in kinds if name.lower().endswith(one)), "")
    return name.removesuffix(name[-len(ending) :]) if ending else name


def label(name: str) -> str:
    """Return a member's name as a label: "./" and "../" lead nowhere, and Windows writes "\\"."""
    name = name.replace("\\", "/")
    return "/".join(one for one in name.split("/") if one not in ("", ".", ".."))


def of_folder(path: Path) -> Iterator[Member]:
    """Return the files beneath a folder; no link is followed, no pipe is waited for."""
    count = 0

    def closed(problem: OSError) -> None:  # else what is in there would count as not handed in
        raise Damaged(f"{os.path.basename(problem.filename)} cannot be opened ({problem.strerror})")

    for top, folders, files, fd in os.fwalk(path, onerror=closed, follow_symlinks=False):
        folders[:] = sorted(one for one in folders if one not in (".git", "__MACOSX"))
        for name in folders:
            if stat.S_ISLNK(os.lstat(name, dir_fd=fd).st_mode):
                where = os.path.relpath(os.path.join(top, name), path)
                yield Member(where, why="it is a symbolic link")
        for name in sorted(files):
            count += 1
            if count > MOST_MEMBERS:
                raise Damaged(f"it has more than {MOST_MEMBERS} files")
            yield _file(fd, name, os.path.relpath(os.path.join(top, name), path))


def of_file(path: Path) -> Member:
    """Return a file of the teacher's own folder as a member."""
    return _file(None, str(path), path.name)


def _file(folder: int | None, name: str, shown: str) -> Member:
    mode = os.lstat(name, dir_fd=folder).st_mode
    if stat.S_ISLNK(mode):
        return Member(shown, why="it is a symbolic link")
    if not stat.S_ISREG(mode):
        return Member(shown, why="it is no regular file")

    def take(most: int) -> bytes:
        how = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            fd = os.open(name, how, dir_fd=folder)  # while the walk stands in this folder
        except OSError as problem:
            raise Damaged(f"{shown} cannot be opened ({problem.strerror})") from None
        with open(fd, "rb") as file:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise Damaged(f"{shown} is no regular file")
            return file.read(most)

    return Member(shown, take)


def of_archive(data: io.BufferedIOBase | io.BytesIO, name: str) -> Iterator[Member]:
    """Return the members of a zip or a tar, by its first bytes; Damaged when it is neither."""
    first = data.read(4)
    data.seek(0)
    try:
        yield from _of_zip(data) if first[:2] == b"PK" else _of_tar(data)
    except Damaged:
        raise
    except Exception as problem:  # zlib.error, lzma.LZMAError: no common class
        raise Damaged(f"{os.path.basename(name)} cannot be read: {problem}") from None


def _of_zip(data: io.BufferedIOBase | io.BytesIO) -> Iterator[Member]:
    with zipfile.ZipFile(data) as archive:
        entries = archive.infolist()
        if len(entries) > MOST_OF_CLASS:
            raise Damaged(f"it has more than {MOST_OF_CLASS} files: unpack it, and name the folder")
        for entry in entries:
            mode, name = entry.external_attr >> 16, label(_zip_name(entry))
            if entry.is_dir() or not name:
                continue
            if entry.flag_bits & 1:
                yield Member(name, why=ENCRYPTED)
            elif stat.S_IFMT(mode) and not stat.S_ISREG(mode):
                link = stat.S_ISLNK(mode)
                yield Member(name, why="it is a symbolic link" if link else "it is no regular file")
            else:
                yield Member(name, lambda most, entry=entry: _some(archive.open(entry), most))  # type: ignore[misc]


def _zip_name(entry: zipfile.ZipInfo) -> str:
    """Return a name as it was meant: many programs write UTF-8 and do not say so."""
    if not entry.flag_bits & 0x800:
        try:
            return entry.filename.encode("cp437").decode("utf-8")
        except UnicodeError:
            pass
    return entry.filename


def _of_tar(data: io.BufferedIOBase | io.BytesIO) -> Iterator[Member]:
    with tarfile.open(fileobj=_Bounded(data), mode="r|*") as archive:  # type: ignore[call-overload]
        read = 0
        for count, entry in enumerate(archive):
            read += 512 + max(entry.size, 0)
            if count > MOST_OF_CLASS or read > MOST_TAR:
                raise Damaged(f"it is larger than {MOST_TAR >> 20} MB or {MOST_OF_CLASS} files: "
                              "unpack it, and name the folder")  # fmt: skip
            name = label(entry.name)
            if entry.isdir() or not name:
                continue
            if entry.issym() or entry.islnk():
                yield Member(name, why="it is a link")
            elif not entry.isreg():
                yield Member(name, why="it is no regular file")
            else:
                yield Member(name, lambda most, e=entry: _some(archive.extractfile(e), most))  # type: ignore[misc]


class _Bounded:
    """Reads a file up to a bound: "r|*" asks for nothing but `read`."""

    def __init__(self, data: io.BufferedIOBase | io.BytesIO) -> None:
        self.data, self.left = data, MOST_TAR

    def read(self, size: int) -> bytes:
        self.left -= size
        if self.left < 0:
            raise Damaged(f"it is larger than {MOST_TAR >> 20} MB: unpack it, and name the folder")
        return self.data.read(size)


def _some(stream: object, most: int) -> bytes:
    """Read the beginning of a member: a bomb is not unpacked any further."""
    with stream as file:  # type: ignore[attr-defined]
        data: bytes = file.read(most)
    return data


def text_or_why(member: Member) -> tuple[bytes, str]:
    """Return (bytes, "") of an exercise file, else (b"", why it cannot be judged)."""
    if member.why:
        return b"", member.why
    try:
        data = member.take(MOST_BYTES + 1)
    except Exception as problem:  # zlib.error, lzma.LZMAError, BadZipFile: no common class
        return b"", f"{BROKEN} ({problem})"
    if len(data) > MOST_BYTES:
        return b"", f"it is larger than {MOST_BYTES // 1000} kB"
    return data, ""
