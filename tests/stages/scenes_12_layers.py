"""Scenes of lesson 12: what runs in a cell, next to the learner's functions."""

import os
import tarfile

from minidocker.grader.scenes_layers import cast_upper, write

STEPS = ("make", "empty", "files", "times")
cast_commit = cast_apply = cast_round = cast_upper


def act_commit(learner, kernel, talk, place):
    """Let commit write the layer tar."""
    function = learner.commit
    with tarfile.open(f"{place}/layer.tar", "w") as old:  # of an earlier commit
        old.addfile(tarfile.TarInfo("from-an-earlier-commit"))
    talk.step("commit(upper, tar)")
    function(f"{place}/upper", f"{place}/layer.tar")
    talk.ask("written")


def act_apply(learner, kernel, talk, place):
    """Apply the layer that the check has put there to a copy of the base."""
    function = learner.apply_layer
    talk.step("apply_layer(tar, directory)")
    function(f"{place}/layer.tar", f"{place}/flat")
    talk.ask("applied")


def act_round(learner, kernel, talk, place):
    """Let commit write the layer, and apply_layer put it on a copy of the base."""
    commit, apply_layer = learner.commit, learner.apply_layer
    talk.step("commit(upper, tar)")
    commit(f"{place}/upper", f"{place}/layer.tar")
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
