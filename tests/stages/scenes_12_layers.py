"""Scenes of lesson 12: what runs in a cell, next to the learner's functions."""

import grp
import os
import pwd
import stat
import tarfile
import time

from minidocker.grader.scenes_layers import (
    HOSTS_OWN,
    OPTIONS,
    OPTIONS_IN_USER,
    cast_upper,
    do,
    overlay,
    write,
)

STEPS = ("make", "empty", "files", "times")
LATER = 200_000  # seconds: the second archive is made as if on another day
cast_pack = cast_apply = cast_round = cast_upper


def act_pack(learner, kernel, talk, place):
    """Let pack write the layer tar."""
    function = learner.pack
    with tarfile.open(f"{place}/layer.tar", "w") as old:  # of an earlier pack
        old.addfile(tarfile.TarInfo("from-an-earlier-pack"))
    talk.step("pack(upper, tar)")
    function(f"{place}/upper", f"{place}/layer.tar")
    talk.ask("written")


# --- the same tree, more than once -------------------------------------------------------------


def cast_same(kernel, talk, place, trees, packs):
    """Make trees that hold the same, each in another order, so that the disk lists them otherwise."""
    for name, operations in trees.items():
        os.makedirs(f"{place}/{name}")
        os.mknod(f"{place}/{name}/gone", stat.S_IFCHR, 0)
        do(f"{place}/{name}", operations)
    talk.ask("cast")


def act_same(learner, kernel, talk, place, trees, packs):
    """Pack each tree; each time as if on another day, on a machine with other users."""
    function = learner.pack
    now, user, group = time.time, pwd.getpwuid, grp.getgrgid
    for number, (name, tar, newest, *later) in enumerate(packs):
        do(f"{place}/{name}", later)
        time.time = lambda number=number: now() + LATER * number
        pwd.getpwuid = lambda uid, number=number: renamed(pwd.struct_passwd, user(0), number)
        grp.getgrgid = lambda gid, number=number: renamed(grp.struct_group, group(0), number)
        more = () if newest is None else (newest,)
        talk.step(f"pack({name!r}, {tar!r}{''.join(f', {one}' for one in more)})")
        function(f"{place}/{name}", f"{place}/{tar}", *more)
    time.time, pwd.getpwuid, grp.getgrgid = now, user, group
    talk.ask("written")


def renamed(kind, entry, number):
    """Return an entry of passwd or group under another name."""
    return kind((f"name{number}", *entry[1:]))


def act_apply(learner, kernel, talk, place):
    """Apply the layer that the check has put there to a copy of the base."""
    function = learner.apply_layer
    talk.step("apply_layer(tar, directory)")
    function(f"{place}/layer.tar", f"{place}/flat")
    talk.ask("applied")


def act_round(learner, kernel, talk, place):
    """Let pack write the layer, and apply_layer put it on a copy of the base."""
    pack, apply_layer = learner.pack, learner.apply_layer
    talk.step("pack(upper, tar)")
    pack(f"{place}/upper", f"{place}/layer.tar")
    talk.step("apply_layer(tar, directory)")
    apply_layer(f"{place}/layer.tar", f"{place}/flat")
    talk.ask("applied")


# --- names, and hostile archives ---------------------------------------------------------------


def act_meaning(learner, kernel, talk, names):
    """Ask meaning about each name."""
    function = learner.meaning
    seen = {}
    for name in names:
        talk.step(f"meaning({name!r})")
        try:
            found = function(name)
            seen[name] = list(found) if isinstance(found, tuple) else repr(found)
        except ValueError:
            seen[name] = "ValueError"
    talk.ask("results", seen=seen)


def grounds(place):
    """Make a directory to unpack into, and beside it what an attack would like to reach."""
    write(f"{place}/rootfs/sub/file", "inside")
    write(f"{place}/rootfs/old", "inside")
    write(f"{place}/rootfs-secret/canary", "unhurt")
    write(f"{place}/outside/canary", "unhurt")
    for folder in ("rootfs-secret", "outside"):
        os.utime(f"{place}/{folder}/canary", (7, 7))
        os.utime(f"{place}/{folder}", (7, 7))


BEHIND = "/tmp/behind"
LINKED = "sub/b, where a link leads to the directory itself"


def cast_place_of(kernel, talk, place, names):
    grounds(place)
    os.symlink("../rootfs-secret", f"{place}/rootfs/near")
    os.symlink(f"{place}/outside", f"{place}/rootfs/far")
    os.symlink(place, BEHIND)


def act_place_of(learner, kernel, talk, place, names):
    """Ask place_of about each name."""
    function = learner.place_of
    seen = {}
    for name in names:
        talk.step(f"place_of({place}/rootfs, {name!r})")
        try:
            found = function(f"{place}/rootfs", name)
            path = isinstance(found, str | os.PathLike)
            seen[name] = os.path.normpath(os.fspath(found)) if path else repr(found)
        except ValueError:
            seen[name] = "ValueError"
    talk.step(f"place_of({BEHIND}/rootfs, 'sub/b'): a link leads to the directory itself")
    try:
        folder, name = os.path.split(function(f"{BEHIND}/rootfs", "sub/b"))
        seen[LINKED] = f"{os.path.realpath(folder)}/{name}"
    except ValueError:
        seen[LINKED] = "ValueError"
    talk.ask("results", seen=seen)


def cast_hostile(kernel, talk, place, count):
    for number in range(count):
        grounds(f"{place}/{number}")
    talk.ask("cast")


def act_hostile(learner, kernel, talk, place, count):
    """Apply each archive that the check has put there; one may raise what it likes."""
    function = learner.apply_layer
    seen = []
    for number in range(count):
        talk.step(f"apply_layer(tar, directory), archive {number + 1} of {count}")
        try:
            function(f"{place}/{number}/layer.tar", f"{place}/{number}/rootfs")
            seen.append("applied")
        except ValueError:
            seen.append("ValueError")
        except Exception as problem:
            seen.append(type(problem).__name__)
    talk.ask("results", seen=seen)


# --- FOLDER_ORDER ------------------------------------------------------------------------------


def act_folder_order(learner, kernel, talk, place, token, old):
    """Do the steps of FOLDER_ORDER with a directory that an older layer has made, or none has."""
    order = learner.FOLDER_ORDER
    if not isinstance(order, list | tuple) or sorted(map(str, order)) != sorted(STEPS):
        talk.ask("wrong", what=repr(order)[:80])
        return
    if old:
        write(f"{place}/old", "from an older layer")
    for step in order:
        talk.doing = step
        if step == "make":
            os.makedirs(place, exist_ok=True)
            os.chmod(place, 0o750)
            os.utime(place, (1, 1))  # a new directory has no time of its own yet
        elif step == "empty":
            if not os.path.isdir(place):
                talk.ask("refused", step=step)
                return
            for name in os.listdir(place):
                os.unlink(f"{place}/{name}")
        elif step == "files":
            write(f"{place}/new", token)
        elif step == "times" and os.path.isdir(place):
            os.utime(place, (1_000_000_000, 1_000_000_000))
    talk.ask("done")


# --- which layer was it ------------------------------------------------------------------------


def cast_layers(kernel, talk, place, layers, paths, born):
    """Grow layers one over the other by real overlays, and mount what is seen from each of them.

    All that a layer has gets a time of its own, so that the kernel itself says whose a file is.
    """
    names = [f"{place}/{name}" for name in layers]
    for number, (name, operations) in enumerate(zip(names, layers.values(), strict=True)):
        os.makedirs(name)
        if not number:
            do(name, operations)
        else:
            overlay(kernel, names[:number], name, f"{place}/work{number}", f"{place}/merged")
            do(f"{place}/merged", operations)
            kernel.umount2(f"{place}/merged")
        stamp(name, born[number])
    for number in range(1, len(names)):
        look(kernel, names[: number + 1], f"{place}/view{number}")
    talk.ask("cast")
    for number in range(1, len(names)):
        kernel.umount2(f"{place}/view{number}")


def stamp(top, second):
    """Give all that lies in a layer the same time, whiteouts left out."""
    for folder, folders, files in os.walk(top):
        for name in folders + files:
            path = f"{folder}/{name}"
            if not stat.S_ISCHR(os.lstat(path).st_mode):
                os.utime(path, (second, second), follow_symlinks=False)


def look(kernel, layers, place):
    """Mount layers, bottom first, to look at: without an upper."""
    os.makedirs(place)
    with open("/proc/self/uid_map", encoding="ascii") as file:
        options = OPTIONS if file.read().split() == HOSTS_OWN else OPTIONS_IN_USER
    kernel.mount("overlay", place, "overlay", 0, f"lowerdir={':'.join(reversed(layers))},{options}")


cast_seen = cast_blame = cast_layers


def act_seen(learner, kernel, talk, place, layers, paths, born):
    """Ask seen_in about each path in each layer."""
    function, seen = learner.seen_in, []
    for name in layers:
        for path in paths:
            talk.step(f"seen_in({name!r}, {path!r})")
            found = function(f"{place}/{name}", path)
            seen.append(found if isinstance(found, str) else repr(found))
    talk.ask("results", seen=seen)


def act_blame(learner, kernel, talk, place, layers, paths, born):
    """Ask blame about each path."""
    function, seen, kept = learner.blame, [], True
    every = [f"{place}/{name}" for name in layers]
    for path in paths:
        talk.step(f"blame({path!r}, layers)")
        found = function(path, given := list(every))
        seen.append(list(found) if isinstance(found, tuple | list) else repr(found))
        kept &= given == every
    talk.ask("results", seen=seen, kept=kept)


# --- a cache's keys ----------------------------------------------------------------------------


def act_keys(learner, kernel, talk, place, steps):
    """Ask cache_key about each step; its files are written first.

    A file is [name, folder, text, time], or more: how often the text stands in it, and its end.
    """
    function, seen, kept = learner.cache_key, [], True
    for number, (parent, instruction, files) in enumerate(steps):
        found = {}
        for name, folder, text, second, *more in files:
            times, end = more or (1, "")
            path = f"{place}/{folder}/{len(found)}"
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(text.encode("latin-1") * times + end.encode())
            os.utime(path, (second, second))
            found[name] = path
        talk.step(f"cache_key, step {number + 1} of {len(steps)}")
        key = function(parent, instruction, given := dict(found))
        seen.append(key if isinstance(key, str) else repr(key))
        kept &= given == found
    talk.ask("results", seen=seen, kept=kept)
