"""Lesson 04: union layers.

What you build here: `overlay_options`, a part of the `layers` stage, and `place_etc_files`, a part
of the `etc` stage. When they pass, `minidocker run --mine` starts containers with them.

    what is meant                   in an upper directory
    NAME is deleted                 a character device 0:0
    nothing shows through here      trusted.overlay.opaque = y

The comments in the functions name subgoals, by the same six words in lessons 01 to 05:
    look: at what is there    build: what you ask for          ask: the kernel for it
    check: what it means      let go: of what must not stay    tell: return it, or raise

Judge your work with:  minidocker grade 04
"""

from __future__ import annotations

import os
import shutil
import stat

from minidocker.kernel.flags import MS_BIND


# 1. REPAIR (rung R2). The wrong layer wins, and some names break it. (3 lines)
def overlay_options(layers, upper, work):
    """Write the options of an overlay mount: "lowerdir=…:…,upperdir=…,workdir=…".

    layers: directories, bottom first: where two have the same file, the later one must win.
    The kernel wants the top layer first. It reads ":" as "next layer" and "," as "next option",
    so a backslash stands before each ":" "," and backslash in the name of a layer.
    upper and work: two directories without such characters.
    See "Multiple lower layers" in the kernel's Documentation/filesystems/overlayfs.
    """

    # build: the list of layers, as the kernel reads it
    def escaped(name):
        return name.replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")

    lower = ":".join(escaped(layer) for layer in reversed(layers))
    # tell: the three options in one text
    return f"lowerdir={lower},upperdir={upper},workdir={work}"


# 2. HOLE (rung R4). Fill in what stands as `...`: see the table above. (2 lines)
def changes(upper):
    """Say what the kernel has noted in an upper directory: a sorted list of (path, word).

    word is "deleted" for a whiteout, "opaque" for an opaque directory, else "written".
    path is relative to upper; upper itself is not in the list.
    """
    found = []
    for folder, folders, files in os.walk(upper):
        for name in folders + files:
            # look: what is there?
            path = os.path.join(folder, name)
            info = os.lstat(path)
            # check: is it a mark of the kernel?
            word = "written"
            if stat.S_ISCHR(info.st_mode) and info.st_rdev == 0:
                word = "deleted"
            elif attributes(path).get("trusted.overlay.opaque") == b"y":
                word = "opaque"
            found.append((os.path.relpath(path, upper), word))
    # tell: all of it, in order
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


# 3. REPAIR (rung R2). These files would be in the upper layer, and so in every commit. (2 lines)
def place_etc_files(kernel, directory, root):
    """Show `directory`/hosts, hostname and resolv.conf as `root`/etc/hosts and so on.

    root: the merged tree of an overlay. Its init layer holds an empty file for each of the three.
    Nothing is written into the tree: each file is mounted over the empty one, with MS_BIND.
    kernel.mount(source, target, fstype, flags): a bind mount has the fstype "". See mount(2).
    """
    for name in ("hosts", "hostname", "resolv.conf"):
        # ask: to show the file there
        kernel.mount(f"{directory}/{name}", f"{root}/etc/{name}", "", MS_BIND)
