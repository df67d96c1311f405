"""What the checks of lessons 04 and 12 share: trees of files, looked at from outside.

What the kernel's overlay shows, seen as the cell's root by a process of ours, is the truth.
"""

import os
import random
import stat

from minidocker.chamber.cell_needs import of_the_host, user_attributes

CLOSE = 20_000  # nanoseconds: tarfile keeps times as floating-point numbers


def token():
    return f"{random.getrandbits(48):012x}"


def somewhere():
    """A directory in the cell that no file can know beforehand."""
    return f"/tmp/layers-{token()}"


# --- looking from outside ----------------------------------------------------------------------


def look(one, work, *args):
    """Call a function with the cell's root as "/", as the cell's root."""
    return one.files(1).run(lambda: work(*args))


def read(one, path):
    """The text of a file in the cell; None when there is no such file."""
    return look(one, text_of, path)


def text_of(path):
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with open(fd, errors="replace") as file:
        return file.read(1000)


def write(one, path, data, append=False):
    """Write a regular file in the cell; its directory is there."""
    look(one, write_to, path, data, append)


def write_to(path, data, append):
    how = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    fd = os.open(path, how | (os.O_APPEND if append else os.O_TRUNC), 0o644)
    with open(fd, "wb") as file:
        file.write(data)


def tree(one, path):
    """Tell all that a tree is: {path: {word: fact}}, the root left out."""
    return look(one, tree_of, path)


def tree_of(top):
    found, inodes = {}, {}
    for folder, folders, names in os.walk(top):
        for name in folders + names:
            place = os.path.join(folder, name)
            info, known = os.lstat(place), os.path.relpath(place, top)
            found[known] = {
                "mode": stat.filemode(info.st_mode), "owner": f"{info.st_uid}:{info.st_gid}",
                "device": info.st_rdev, "data": data(place, info), "time": info.st_mtime_ns,
                "attributes": attributes(place),
            }  # fmt: skip
            if not stat.S_ISDIR(info.st_mode):
                inodes.setdefault(info.st_ino, []).append(known)
    for names in inodes.values():
        for name in names:
            found[name]["names"] = " = ".join(sorted(names))
    return found


def data(place, info):
    if stat.S_ISREG(info.st_mode):
        with open(os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            return file.read(4000)
    return os.readlink(place) if stat.S_ISLNK(info.st_mode) else None


def attributes(place):
    found = {name: os.getxattr(place, name, follow_symlinks=False)
             for name in os.listxattr(place, follow_symlinks=False)}  # fmt: skip
    return {name: value for name, value in found.items() if ".overlay." not in name}


def differences(wanted, seen, leave=()):
    """GOOD, BAD and MISSING lines for two trees; `leave` are words that do not count."""
    lines = []
    for path in sorted({*wanted, *seen}):
        if path not in seen:
            lines.append(("MISSING", path))
        elif path not in wanted:
            lines.append(("BAD", f"{path}: it should not be there"))
        else:
            lines += [("BAD", f"{path}: its {word} is {seen[path].get(word)!r}, "
                              f"expected {value!r}")
                      for word, value in wanted[path].items()
                      if word not in leave and not same(word, value, seen[path].get(word))]  # fmt: skip
    return lines


def same(word, one, other):
    return abs(one - other) < CLOSE if word == "time" else one == other


# --- a real upper directory --------------------------------------------------------------------


def plan(nodes=True):
    """Operations for a base layer, and for the container over it: names and texts at random.

    nodes: a device among them, where somebody can make one.
    """
    n = {word: f"{word}-{token()[:4]}" for word in (
        "changed", "gone", "kept", "tree", "again", "linked", "other", "file", "folder", "new")}  # fmt: skip
    base = [
        ["write", f"etc/{n['changed']}", token()], ["write", f"etc/{n['kept']}", token()],
        ["write", f"etc/{n['gone']}", token()], ["write", f"{n['tree']}/a/b", token()],
        ["write", f"{n['again']}/old", token()], ["write", f"{n['again']}/sub/deep", token()],
        ["write", n["linked"], token()], ["link", n["linked"], n["other"]],
        ["write", n["file"], token()], ["write", f"{n['folder']}/in", token()],
        ["time", f"{n['tree']}/a", 900_000_000],
    ]  # fmt: skip
    space = "user" if user_attributes() else "trusted"
    operations = [
        ["append", f"etc/{n['changed']}", token()], ["remove", f"etc/{n['gone']}"],
        ["remove", n["tree"]],
        ["remove", n["again"]], ["mkdir", n["again"]],
        ["write", f"{n['again']}/new", token()], ["write", f"{n['again']}/sub/new", token()],
        ["append", n["other"], token()],
        ["remove", n["file"]], ["mkdir", n["file"]],
        ["remove", n["folder"]], ["write", n["folder"], token()],
        ["write", f"{n['new']}/one", token() * 20], ["link", f"{n['new']}/one", f"{n['new']}/two"],
        ["symlink", f"{n['new']}/way", "/etc/passwd"],
        ["symlink", f"{n['new']}/nowhere", f"/{token()}"],  # to nothing
        ["symlink", f"{n['new']}/folder", f"../{n['again']}"],  # to a directory
        ["write", f"{n['new']}/.hidden/.file", token()], ["mkdir", f"{n['new']}/nothing in it"],
        ["fifo", f"{n['new']}/pipe"],  # no file, and no whiteout
        *([["node", f"{n['new']}/full", 240, 7], ["node", f"{n['new']}/near", 0, 7]]
          if nodes and of_the_host() else []),
        ["chown", "etc", 12, 34], ["chmod", "etc", 0o1750],  # a directory that the base has, too
        ["chown", f"{n['new']}/one", 1234, 4321], ["chmod", f"{n['new']}/one", 0o4751],
        ["attribute", f"{n['new']}/one", f"{space}.course", token()],
        ["time", f"{n['new']}/one", 1_000_000_001], ["time", n["new"], 1_000_000_002],
        ["time", n["again"], 1_000_000_003],
    ]  # fmt: skip
    return {"place": somewhere(), "base": base, "operations": operations}, n


def noted(one, upper):
    """What the kernel has noted in an upper directory: {path: word}."""
    return look(one, notes_of, upper)


def notes_of(top):
    found = {}
    for folder, folders, names in os.walk(top):
        for name in folders + names:
            place = os.path.join(folder, name)
            info, word = os.lstat(place), "written"
            if stat.S_ISCHR(info.st_mode) and info.st_rdev == 0:
                word = "deleted"
            elif stat.S_ISDIR(info.st_mode):
                word = "opaque" if marked(place) else word
            found[os.path.relpath(place, top)] = word
    return found


def marked(path):
    """Whether overlay has marked a directory as opaque; in a user namespace the mark is user.…."""
    for space in ("trusted", "user"):
        try:
            if os.getxattr(path, f"{space}.overlay.opaque") == b"y":
                return True
        except OSError:
            continue
    return False
