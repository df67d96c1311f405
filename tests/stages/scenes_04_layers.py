"""Scenes of lesson 04: what runs in a cell, next to the learner's functions.

Trees are grown from short lists of operations, [word, path, …], that the check has made up, and the
real overlay of the cell's kernel is asked to do them: so its upper directory is a real one.
"""

import os
import shutil

OPTIONS = "redirect_dir=off,metacopy=off,index=off"
STEPS = ("make", "empty", "files", "times")


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def do(root, operations):
    """Do operations in a tree, one after the other."""
    for word, name, *args in operations:
        path = f"{root}/{name}"
        if word == "mkdir":
            os.makedirs(path)
        elif word == "write":
            write(path, args[0])
        elif word == "append":
            with open(path, "a") as file:
                file.write(args[0])
        elif word == "remove":
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
        elif word == "link":
            os.link(path, f"{root}/{args[0]}")
        elif word == "symlink":
            os.symlink(args[0], path)
        elif word == "chmod":
            os.chmod(path, args[0])
        elif word == "chown":
            os.chown(path, *args)
        elif word == "attribute":
            os.setxattr(path, args[0], args[1].encode())
        elif word == "node":
            os.mknod(path, 0o020644, os.makedev(1, 7))
        elif word == "time":
            os.utime(path, (args[0], args[0]))


def overlay(kernel, layers, upper, work, merged):
    """Mount an overlay; layers bottom first, without ":" or "," in their names."""
    for path in (*layers, upper, work, merged):
        os.makedirs(path, exist_ok=True)
    lower = ":".join(reversed(layers))
    data = f"lowerdir={lower},upperdir={upper},workdir={work},{OPTIONS}"
    kernel.mount("overlay", merged, "overlay", 0, data)


# --- overlay_options ---------------------------------------------------------------------------


def cast_options(kernel, talk, place, layers):
    """Grow the layers: [[name, [[file, text], …]], …], bottom first."""
    for name, files in layers:
        os.makedirs(f"{place}/{name}")
        for file, text in files:
            write(f"{place}/{name}/{file}", text)
    for name in ("upper", "work", "merged"):
        os.makedirs(f"{place}/{name}")


def act_options(learner, kernel, talk, place, layers, cast):
    """Mount an overlay with the learner's options, and let the check look."""
    function = learner.overlay_options
    paths = [f"{place}/{name}" for name, _ in layers]
    talk.step("overlay_options(layers, upper, work)")
    options = function(paths, f"{place}/upper", f"{place}/work")
    if not isinstance(options, str):
        talk.ask("wrong", value=repr(options)[:80])
        return
    try:
        kernel.mount("overlay", f"{place}/merged", "overlay", 0, options)
    except OSError as problem:
        talk.ask("refused", text=str(problem), options=options)
        return
    talk.ask("mounted", options=options)


# --- a real upper directory, and what the learner makes of it ----------------------------------


def cast_upper(kernel, talk, place, base, operations):
    """Grow a layer, let the kernel do the operations over it, and let the check look."""
    do(f"{place}/base", base)
    kernel.run(["cp", "-a", f"{place}/base", f"{place}/flat"])
    overlay(kernel, [f"{place}/base"], f"{place}/upper", f"{place}/work", f"{place}/merged")
    do(f"{place}/merged", operations)
    talk.ask("cast")
    kernel.umount2(f"{place}/merged")


cast_changes = cast_commit = cast_apply = cast_round = cast_upper


def act_changes(learner, kernel, talk, place, base, operations, cast):
    """Ask changes about the upper directory."""
    function = learner.changes
    talk.step("changes(upper)")
    found = function(f"{place}/upper")
    pairs = isinstance(found, list) and all(len(pair) == 2 for pair in found)
    talk.ask("results", found=[list(map(str, pair)) for pair in found] if pairs else None,
             value=repr(found)[:80])  # fmt: skip


def act_commit(learner, kernel, talk, place, base, operations, cast):
    """Let commit write the layer tar."""
    function = learner.commit
    talk.step("commit(upper, tar)")
    function(f"{place}/upper", f"{place}/layer.tar")
    talk.ask("written")


def act_apply(learner, kernel, talk, place, base, operations, cast):
    """Apply the layer that the check has put there to a copy of the base."""
    function = learner.apply_layer
    talk.step("apply_layer(tar, directory)")
    function(f"{place}/layer.tar", f"{place}/flat")
    talk.ask("applied")


def act_round(learner, kernel, talk, place, base, operations, cast):
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


def cast_place_of(kernel, talk, place, names):
    grounds(place)
    os.symlink("../rootfs-secret", f"{place}/rootfs/near")
    os.symlink(f"{place}/outside", f"{place}/rootfs/far")


def act_place_of(learner, kernel, talk, place, names, cast):
    """Ask place_of about each name."""
    function = learner.place_of
    seen = {}
    for name in names:
        talk.step(f"place_of({place}/rootfs, {name!r})")
        try:
            found = function(f"{place}/rootfs", name)
            seen[name] = os.path.normpath(found) if isinstance(found, str) else repr(found)
        except ValueError:
            seen[name] = "ValueError"
    talk.ask("results", seen=seen)


def cast_hostile(kernel, talk, place, count):
    for number in range(count):
        grounds(f"{place}/{number}")
    talk.ask("cast")


def act_hostile(learner, kernel, talk, place, count, cast):
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


def act_folder_order(learner, kernel, talk, place, token):
    """Do the steps of FOLDER_ORDER with a directory that an older layer has made."""
    order = learner.FOLDER_ORDER
    if not isinstance(order, list | tuple) or sorted(map(str, order)) != sorted(STEPS):
        talk.ask("wrong", what=repr(order)[:80])
        return
    write(f"{place}/old", "from an older layer")
    for step in order:
        talk.doing = step
        if step == "make":
            os.makedirs(place, exist_ok=True)
            os.chmod(place, 0o750)
            os.utime(place, (1, 1))  # a new directory has no time of its own yet
        elif step == "empty":
            for name in os.listdir(place):
                os.unlink(f"{place}/{name}")
        elif step == "files":
            write(f"{place}/new", token)
        elif step == "times":
            os.utime(place, (1_000_000_000, 1_000_000_000))
    talk.ask("done")


# --- place_etc_files ---------------------------------------------------------------------------


def cast_etc(kernel, talk, place, texts):
    """Make a container's tree as the layers stage does, and the three files beside it."""
    write(f"{place}/image/etc/hosts", "the image's own\n")
    write(f"{place}/image/etc/passwd", "root:x:0:0::/root:/bin/sh\n")
    os.symlink(f"{place}/outside", f"{place}/image/etc/resolv.conf")
    write(f"{place}/outside", "unhurt\n")
    for name, text in texts.items():
        write(f"{place}/box/{name}", text)
        write(f"{place}/init/etc/{name}", "")
    layers = [f"{place}/image", f"{place}/init"]
    overlay(kernel, layers, f"{place}/upper", f"{place}/work", f"{place}/merged")


def act_etc(learner, kernel, talk, place, texts, cast):
    """Let place_etc_files do its work on the merged tree."""
    function = learner.place_etc_files
    talk.step("place_etc_files(kernel, directory, root)")
    try:
        function(kernel, f"{place}/box", f"{place}/merged")
    except OSError as problem:
        talk.ask("refused", text=str(problem))
        return
    talk.ask("placed")
