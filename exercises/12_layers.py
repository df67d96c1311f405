"""Lesson 12: layers.

What you build here: your own `pack`, `apply_layer`, `blame` and `cache_key`, by which images are
made. The marks of an upper directory are those of lesson 04:

    what is meant                   in an upper directory          in a layer tar
    NAME is deleted                 a character device 0:0         .wh.NAME, an empty file
    nothing shows through here      trusted.overlay.opaque = y     .wh..wh..opq, an empty file

Write the subgoals first, as comments with the words of lessons 01 to 05 (look, build, ask, check,
let go, tell), then the lines under them.

Judge your work with:  minidocker grade 12
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import os
import shutil
import stat
import tarfile

DELETED = ".wh."
OPAQUE = ".wh..wh..opq"
ATTRIBUTE = "SCHILY.xattr."


# Given: the marks of lesson 04, in the order in which the kernel tells the names.
def changes(upper):
    """Yield (path, word) for what the kernel has noted in an upper directory, in any order.

    word is "deleted" for a whiteout, "opaque" for an opaque directory, else "written".
    path is relative to upper; upper itself is left out.
    """
    for folder, folders, files in os.walk(upper):
        for name in folders + files:
            path = os.path.join(folder, name)
            word = "written"
            if is_whiteout(path):
                word = "deleted"
            elif is_opaque(path):
                word = "opaque"
            yield os.path.relpath(path, upper), word


def is_whiteout(path):
    """Say whether a name means "deleted": a character device 0:0. Given."""
    info = os.lstat(path)
    return stat.S_ISCHR(info.st_mode) and info.st_rdev == 0


def is_opaque(path):
    """Say whether overlay has marked a directory as opaque. Given."""
    return attributes(path).get("trusted.overlay.opaque") == b"y"


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


def add(archive, path, name, newest):
    """Write the file `path` into a tar archive as `name`: owner, mode, time, attributes. Given.

    A time later than `newest` becomes `newest`; None leaves each as it is. Owners are numbers.
    A second name of the same file becomes a hard link: tarfile looks at inode numbers.
    The attributes trusted.overlay.… stay out: they are overlay's own.
    """
    info = archive.gettarinfo(path, name)
    info.uname = info.gname = ""
    if newest is not None:
        info.mtime = min(info.mtime, newest)
    for key, value in attributes(path).items():
        if not key.startswith("trusted.overlay.") and not info.islnk():
            info.pax_headers[ATTRIBUTE + key] = value.decode("utf-8", "surrogateescape")
    with open(path, "rb") if info.isreg() else contextlib.nullcontext() as data:
        archive.addfile(info, data)


# 1. REPAIR (rung R2). It makes a right layer, and another one each time. (2 lines)
def pack(upper, tar, newest=None):
    """Write an upper directory as a layer tar; `tar` is the path of the file to write.

    The same tree gives the same bytes, wherever and whenever it is packed: a layer is called by
    their digest. So nothing goes in but the tree: no time of now, no order of chance. A directory
    comes before its mark, and both before what is in it.
    No time in the archive is later than `newest` (seconds): two trees that differ in their times
    alone give the same bytes, where newest is before them all. None leaves the times.
    """
    with tarfile.open(tar, "w:gz") as archive:
        for path, word in changes(upper):
            if word == "deleted":
                folder, name = os.path.split(path)
                archive.addfile(tarfile.TarInfo(os.path.join(folder, DELETED + name)))
                continue
            add(archive, os.path.join(upper, path), path, newest)
            if word == "opaque":
                archive.addfile(tarfile.TarInfo(os.path.join(path, OPAQUE)))


# 2. REPAIR (rung R2). It does not know the opaque mark. (2 lines)
def meaning(name):
    """Return (word, path) for the name of a member of a layer tar: what is to be done, and where.

    "a/.wh.x"         → ("delete", "a/x")
    "a/.wh..wh..opq"  → ("empty", "a"): remove what older layers have in the directory a
    any other name    → ("put", name)
    ValueError for a mark that would delete nothing, "." or "..": ".wh.", ".wh..", ".wh...".
    """
    folder, last = os.path.split(name)
    if last.startswith(DELETED):
        gone = last.removeprefix(DELETED)
        if gone in ("", ".", ".."):
            raise ValueError(f"{name} deletes no file")
        return "delete", os.path.join(folder, gone)
    return "put", name


# 3. REPAIR (rung R2). This guard believes in names. Two attacks get through. (2 lines)
def place_of(directory, name):
    """Return the path of `name` beneath `directory`, or raise ValueError: it would be elsewhere.

    The archive may be hostile: names with ".." (also to a neighbour, "../rootfs-old"), names that
    begin with "/", names that lead through a symbolic link that the archive itself has made.
    os.path.realpath follows links. os.path.commonpath compares whole names.
    The last part of a name is not followed: it may be a link, which is replaced, not used.
    """
    top = os.path.realpath(directory)
    folder, last = os.path.split(os.path.join(top, name.rstrip("/")))
    folder = os.path.normpath(folder)
    if not folder.startswith(top) or last == "..":
        raise ValueError(f"{name} is not beneath {directory}")
    return os.path.join(folder, last)


#    "make":  make the directory, or take the old one     "empty": remove what is in it
#    "files": put the layer's files into it               "times": set the directory's own times
# 4. MORE, ORDER (rung R3). A directory of a layer has an opaque mark and new files. In which order?
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
    placed.name = os.path.relpath(place, os.path.realpath(directory))
    archive.extraction_filter = lambda member, path: member  # newer tarfiles want to be asked
    archive.extract(placed, directory, numeric_owner=True)
    if not member.islnk():
        for key, value in member.pax_headers.items():
            if key.startswith(ATTRIBUTE):
                data = value.encode("utf-8", "surrogateescape")
                os.setxattr(place, key.removeprefix(ATTRIBUTE), data, follow_symlinks=False)
        os.utime(place, (member.mtime, member.mtime), follow_symlinks=False)


# 5. HOLE (rung R4). Put it together: fill in what stands as `...`. (3 lines)
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
        for member in reversed(archive.getmembers()):
            if member.isdir():
                place = place_of(directory, member.name)
                os.utime(place, ..., follow_symlinks=False)


def is_folder(path):
    """Say whether a path is a directory itself, and no link to one. Given."""
    return os.path.isdir(path) and not os.path.islink(path)


# 6. MORE, REPAIR (rung R2). It looks for a whiteout of the path; much else hides it. (3 lines)
def seen_in(layer, path):
    """Say what one layer has of a path: "here", "hidden" or "nothing".

    layer is a directory with overlay's marks; path is relative, as "etc/passwd". "here": the layer
    has it. "hidden": the layer has a mark that hides what the layers below may have: a whiteout of
    the path or of a directory above it, an opaque directory above it, or above it what is no
    directory. Else "nothing".
    """
    word, here = "nothing", layer
    names = path.split("/")
    for left in reversed(range(len(names))):  # left: how many names come after this one
        here = os.path.join(here, names[-1 - left])
        if not os.path.lexists(here):
            return word
        if is_whiteout(here) and not left:
            return "hidden"
    return "here"


# 7. MORE, HOLE (rung R4). Which layer was it? Fill in what stands as `...`. (2 lines)
def blame(path, layers):
    """Return which layer gives or deletes a path: (number, "gives"), (number, "deletes") or None.

    layers are directories with overlay's marks, bottom first; the number of the lowest is 0.
    path is relative, as "etc/passwd".
    "gives": whoever looks at the merged tree sees what this layer has.
    "deletes": the layers below this one give the path, and this one hides it.
    None: no layer has ever given it.
    """
    for number in ...:  # the kernel looks from the top
        seen = seen_in(layers[number], path)
        if seen == "here":
            return number, "gives"
        if seen == "hidden":
            below = blame(path, layers[:number])
            return (number, "deletes") if ... else below
    return None


def digest(path):
    """Return the sha256 of a file's content, as 64 hex digits. Given."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# 8. CONTRACT (rung R5). Write it from what it must do. (2 lines)
def cache_key(parent, instruction, files):
    """Return the name under which a build remembers what came of a step: 64 hex digits.

    parent is the digest of what lies below (a text), instruction the step's words (a text), and
    files what the step copies: {name: path of the file with its content}.
    Equal keys mean "the same step": its layer is taken from the cache, and the step is not done.
    So all that the build knows of the step goes in, each thing apart from the next, nothing else:
    not where a file lies, not its times, not the order of the names. (Engines add modes, owners.)
    """
    raise NotImplementedError("cache_key is yours to write")
