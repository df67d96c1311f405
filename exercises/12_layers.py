"""Lesson 12: layers.

What you build here: your own `commit` and `apply_layer`, by which images get their layers. The
marks of an upper directory are those of lesson 04:

    what is meant                   in an upper directory          in a layer tar
    NAME is deleted                 a character device 0:0         .wh.NAME, an empty file
    nothing shows through here      trusted.overlay.opaque = y     .wh..wh..opq, an empty file

Judge your work with:  minidocker grade 12
"""

from __future__ import annotations

import contextlib
import copy
import os
import shutil
import stat
import tarfile

DELETED = ".wh."
OPAQUE = ".wh..wh..opq"
ATTRIBUTE = "SCHILY.xattr."


# Given: what you have written in lesson 04.
def changes(upper):
    """Say what the kernel has noted in an upper directory: a sorted list of (path, word).

    word is "deleted" for a whiteout, "opaque" for an opaque directory, else "written".
    path is relative to upper; upper itself is not in the list.
    """
    found = []
    for folder, folders, files in os.walk(upper):
        for name in folders + files:
            path = os.path.join(folder, name)
            info = os.lstat(path)
            word = "written"
            if stat.S_ISCHR(info.st_mode) and info.st_rdev == 0:
                word = "deleted"
            elif attributes(path).get("trusted.overlay.opaque") == b"y":
                word = "opaque"
            found.append((os.path.relpath(path, upper), word))
    return sorted(found)


def attributes(path):
    """Return the extended attributes of a file, name → bytes. Given; see xattr(7).

    An overlay of a user namespace may not write trusted.overlay.…, and writes user.overlay.…
    instead: here both have the first name.
    """
    found = {}
    for name in os.listxattr(path, follow_symlinks=False):
        same = "trusted." + name[5:] if name.startswith("user.overlay.") else name
        found[same] = os.getxattr(path, name, follow_symlinks=False)
    return found


def add(archive, path, name):
    """Write the file `path` into a tar archive as `name`: owner, mode, times, attributes. Given.

    A second name of the same file becomes a hard link: tarfile looks at inode numbers.
    The attributes trusted.overlay.… stay out: they are overlay's own.
    """
    info = archive.gettarinfo(path, name)
    for key, value in attributes(path).items():
        if not key.startswith("trusted.overlay.") and not info.islnk():
            info.pax_headers[ATTRIBUTE + key] = value.decode("utf-8", "surrogateescape")
    with open(path, "rb") if info.isreg() else contextlib.nullcontext() as data:
        archive.addfile(info, data)


# 1. MORE, CONTRACT (rung R5). Write it from what it must do. (8 lines)
def commit(upper, tar):
    """Write an upper directory as a layer tar; `tar` is the path of the file to write.

    Each path of changes(upper) gives one member, in that order; add(archive, path, name) writes
    what is "written". The table above says what a "deleted" path becomes. An "opaque" directory is
    written too, and right after it comes its mark: an empty file in it.
    tarfile.open(tar, "w") opens an archive to write, and archive.addfile(tarfile.TarInfo(name))
    writes an empty file.
    """
    raise NotImplementedError("commit is yours to write")


# 2. REPAIR (rung R2). It does not know the opaque mark, and it obeys every name. (5 lines)
def meaning(name):
    """Return (word, path) for the name of a member of a layer tar: what is to be done, and where.

    "a/.wh.x"         → ("delete", "a/x")
    "a/.wh..wh..opq"  → ("empty", "a"): remove what older layers have in the directory a
    any other name    → ("put", name)
    ValueError for a mark that would delete nothing, "." or "..": ".wh.", ".wh..", ".wh...".
    """
    folder, last = os.path.split(name)
    if last.startswith(DELETED):
        return "delete", os.path.join(folder, last.removeprefix(DELETED))
    return "put", name


# 3. REPAIR (rung R2). This guard believes in names. Two attacks get through. (3 lines)
def place_of(directory, name):
    """Return the path of `name` beneath `directory`, or raise ValueError: it would be elsewhere.

    The archive may be hostile: names with "..", names that begin with "/", names that lead
    through a symbolic link that the archive itself has made. os.path.realpath follows links.
    The last part of a name is not followed: it may be a link, which is replaced, not used.
    """
    top = os.path.realpath(directory)
    folder, last = os.path.split(os.path.join(top, name.rstrip("/")))
    folder = os.path.normpath(folder)
    if not folder.startswith(top) or last == "..":
        raise ValueError(f"{name} is not beneath {directory}")
    return os.path.join(folder, last)


# 4. ORDER (rung R3). A directory of a layer has an opaque mark and new files. The grader does it.
#    "make":  make the directory, or take the old one     "empty": remove what is in it
#    "files": put the layer's files into it               "times": set the directory's own times
FOLDER_ORDER = ["empty", "files", "make", "times"]


def remove(path):
    """Remove a file, or a directory with all that is in it; one that is gone is fine. Given."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def empty(path):
    """Remove all that is in a directory, but not the directory; refuse a link to one. Given."""
    if os.path.islink(path):
        raise ValueError(f"{path} is a symbolic link")
    for name in os.listdir(path):
        remove(os.path.join(path, name))


def put(archive, member, directory, place):
    """Make at `place` what a member says: data, owner, mode, times, attributes. Given.

    What stands there goes; only a directory stays, when the member is a directory too.
    A hard link is made to member.linkname in `directory`; place_of is asked for that, too.
    """
    if member.islnk():
        place_of(directory, member.linkname)
    if not (member.isdir() and os.path.isdir(place) and not os.path.islink(place)):
        remove(place)
    placed = copy.copy(member)
    placed.name = os.path.relpath(place, directory)
    archive.extraction_filter = lambda member, path: member  # newer tarfiles want to be asked
    archive.extract(placed, directory, numeric_owner=True)
    if not member.islnk():
        for key, value in member.pax_headers.items():
            if key.startswith(ATTRIBUTE):
                data = value.encode("utf-8", "surrogateescape")
                os.setxattr(place, key.removeprefix(ATTRIBUTE), data, follow_symlinks=False)
        os.utime(place, (member.mtime, member.mtime), follow_symlinks=False)


# 5. HOLE (rung R4). Put it together: fill in what stands as `...`. (5 lines)
def apply_layer(tar, directory):
    """Apply a layer tar to the tree in `directory`: as if the layer lay on top of it.

    For each member, in order, do what meaning(member.name) says: put(archive, member, directory,
    place), or remove(place), or empty(place). Ask place_of for each place, each time.
    ValueError for a tar that reaches outside; nothing outside may have changed by then.
    At the end each directory of the layer has the times of its member (member.mtime): they must
    be set again with os.utime, since every new file has changed them.
    tarfile.open(tar) opens an archive, and iterating over it gives the members.
    """
    with tarfile.open(tar) as archive:
        for member in archive:
            word, path = ...
            place = ...  # each time: an earlier member may have made a link
            if word == "put":
                put(archive, member, directory, place)
            else:
                {"delete": remove, "empty": empty}[word](place)
        for member in ...:  # the deepest first: what is done in a directory changes its time
            if ...:
                place = place_of(directory, member.name)
                os.utime(place, ..., follow_symlinks=False)
