"""Lesson 02: the mount namespace.

What you build here: `make_private`, a part of the stage `propagation`, and `mount_proc` and
`bind`, parts of the stage `mounts`. `minidocker run --mine` takes them as they pass.

`kernel` has one method for each system call: kernel.mount(source, target, fstype, flags),
kernel.mount_setattr(path, attributes, recursive), kernel.umount2(target, flags).
They do what the man pages say. What the kernel refuses raises an OSError.

The comments in the functions name subgoals, by the same six words in lessons 01 to 05:
    look: at what is there    build: what you ask for          ask: the kernel for it
    check: what it means      let go: of what must not stay    tell: return it, or raise

Judge your work with:  minidocker grade 02
"""

from __future__ import annotations

import os
import re

from minidocker.kernel.flags import (
    MOUNT_ATTR_RDONLY,
    MS_BIND,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
    MS_REMOUNT,
    MS_SHARED,
    MS_SLAVE,
)


# 1. REPAIR (rung R2). It works on some machines, and on others the host gets every mount. (1 line)
def make_private(kernel):
    """Cut this process's mount table off from the host's: no mount made from now on leaks.

    It is called in a new mount namespace, before anything is mounted there.
    Not on "/", and not on any other mount of the table: there may be many, one on another.
    All mounts stay where they are, and can still be bound elsewhere.
    See mount_namespaces(7), mount(2).
    """
    # ask: that no mount travels any more
    kernel.mount("", "/", "", MS_REC | MS_PRIVATE)


# 2. ORDER (rung R3). Put the four steps into an order that works. The grader does them.
#    In the end a process is number 1, its /proc shows its own processes only, and the host's
#    mount table is as it was.
#    "unshare": kernel.unshare(CLONE_NEWPID | CLONE_NEWNS)      "private": make_private(kernel)
#    "fork": the child does the steps that follow, its parent does nothing any more
#    "proc": mount_proc(kernel, "")
WALL_ORDER = ["unshare", "private", "fork", "proc"]


# 3. HOLE (rung R4). Fill in the three arguments that stand as `...`. (1 line)
def mount_proc(kernel, root):
    """Mount a new file system of type proc on the directory `root`/proc.

    root: the path of a directory, without "/" at its end. "" stands for "/" itself.
    A procfs shows the pid namespace of the process that mounts it.
    No program in it runs with its owner's rights (nosuid), or at all (noexec), and no file in it
    opens a device (nodev).
    See proc(5), mount(2).
    """
    # ask: for a new procfs
    kernel.mount("proc", f"{root}/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)


def mount_lines(pid):
    """Return the mount table that process `pid` sees: a list of lines, each a list of words.

    Given; nothing to do here. The words of a line, see proc(5), mountinfo:
    0 number · 1 number of its parent, the mount that it stands on · 2 device · 3 root ·
    4 place · 5 options · optional fields: none, one or more · then "-" · type · source ·
    options of the file system
    """
    with open(f"/proc/{pid}/mountinfo") as file:
        return [line.split() for line in file]


def unescaped(word):
    r"""Return a name as it is: the kernel writes a space as \040, a tab as \011.

    Given; nothing to do here.
    """
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), word)


# 4. HOLE (rung R4). Fill in the two values that stand as `...`. (1 line)
def optional_fields(words):
    """Return the optional fields of one line of the table: a list, often an empty one.

    words: a line of mount_lines(pid). Such fields are "shared:7" and "master:3".
    """
    # tell: what stands between the options and the sign
    return words[6 : words.index("-")]


# 5. MORE, CONTRACT (rung R5). Write it from what it must do. (9 lines)
def propagation_of(pid, path):
    """Say how mounts travel at the mount `path` of process `pid`, in that process's own table.

    path: the place of a mount, as it is: a space is a space.
    "shared": there is a field shared:N, and mounts travel to and from all others of group N.
    "slave": there is a field master:N, and mounts only come in, from group N.
    "shared and slave": there are both. "unbindable": there is this field.
    "private": there is none of these.
    Several mounts can stand at one place. The top one counts: it is the one that is no other
    mount's parent at this place (word 1). The order of the lines says nothing.
    LookupError when nothing is mounted at path.
    """
    # look: what is mounted at path?
    found = [words for words in mount_lines(pid) if unescaped(words[4]) == path]
    # check: which one is on top?
    parents = {words[1] for words in found if words[1] != words[0]}
    tops = [words for words in found if words[0] not in parents]
    # tell: LookupError, or how mounts travel there
    if not tops:
        raise LookupError(f"nothing is mounted at {path}")
    tags = {field.partition(":")[0] for field in optional_fields(tops[0])}
    if "unbindable" in tags:
        return "unbindable"
    kinds = {"shared": "shared", "master": "slave"}
    return " and ".join(kinds[tag] for tag in kinds if tag in tags) or "private"


# 6. CONTRACT (rung R5). A volume: the same files in a second place. (3 lines)
def bind(kernel, source, target, read_only):
    """Show the directory tree `source` at `target` too, with all that is mounted below it.

    read_only: True when nobody can write through `target`, nor through what is mounted below it.
    At `source`, and everywhere else, all stays as it was: writable is still writable.
    Only mounts get read-only here. A file system is one thing, and all its mounts share it.
    See mount(2) about MS_BIND, and mount_setattr(2): kernel.mount_setattr(path, MOUNT_ATTR_RDONLY,
    True) makes the mount at path read-only, and all mounts below it.
    """
    # ask: for the tree in a second place
    kernel.mount(source, target, "", MS_BIND | MS_REC)
    # ask: that nobody writes through it, if that is wanted
    if read_only:
        kernel.mount_setattr(target, MOUNT_ATTR_RDONLY, True)


# 7. MORE, INSPECT (rung R6). A check of your own: does it tell right walls from leaking? (5 lines)
def check_private(pid):
    """Say whether process `pid` has a mount table of its own, out of which nothing reaches yours.

    False when the process is in your mount namespace: /proc/PID/ns/mnt says which it is.
    False when one of its mounts is in the same peer group as one of yours: both have the field
    shared:N with the same N. Else True. Your own process is called "self".
    The grader tries it on the children of right walls and of leaking ones.
    """
    if os.readlink(f"/proc/{pid}/ns/mnt") == os.readlink("/proc/self/ns/mnt"):
        return False
    mine, theirs = [
        {field for words in mount_lines(who) for field in optional_fields(words)}
        for who in ("self", pid)
    ]
    return not any(field.startswith("shared:") for field in mine & theirs)
