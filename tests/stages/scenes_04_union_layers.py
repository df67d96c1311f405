"""Scenes of lesson 04: what runs in a cell, next to the learner's functions."""

import os

from minidocker.grader.scenes_layers import cast_upper, overlay, write
from minidocker.grader.scenes_refused import act_refused  # noqa: F401  (a scene)

cast_changes = cast_upper


# --- overlay_options ---------------------------------------------------------------------------


def cast_options(kernel, talk, place, layers):
    """Grow the layers: [[name, [[file, text], …]], …], bottom first."""
    for name, files in layers:
        os.makedirs(f"{place}/{name}")
        for file, text in files:
            write(f"{place}/{name}/{file}", text)
    for name in ("upper", "work", "merged"):
        os.makedirs(f"{place}/{name}")


def act_options(learner, kernel, talk, place, layers):
    """Mount an overlay with the learner's options, and let the check look."""
    function = learner.overlay_options
    paths = [f"{place}/{name}" for name, _ in layers]
    talk.step("overlay_options(layers, upper, work)")
    options = function(given := list(paths), f"{place}/upper", f"{place}/work")
    if not isinstance(options, str):
        talk.ask("wrong", value=repr(options)[:80])
        return
    try:
        kernel.mount("overlay", f"{place}/merged", "overlay", 0, options)
    except OSError as problem:
        talk.ask("refused", text=str(problem), options=options)
        return
    talk.ask("mounted", options=options, kept=given == paths)


def act_changes(learner, kernel, talk, place):
    """Ask changes about the upper directory."""
    function = learner.changes
    talk.step("changes(upper)")
    found = function(f"{place}/upper")
    pairs = isinstance(found, list) and all(len(pair) == 2 for pair in found)
    talk.ask("results", found=[list(map(str, pair)) for pair in found] if pairs else None,
             value=repr(found)[:80])  # fmt: skip


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
    write(f"{place}/box/another", "not for the container\n")
    layers = [f"{place}/image", f"{place}/init"]
    overlay(kernel, layers, f"{place}/upper", f"{place}/work", f"{place}/merged")


def act_etc(learner, kernel, talk, place):
    """Let place_etc_files do its work on the merged tree."""
    function = learner.place_etc_files
    talk.step("place_etc_files(kernel, directory, root)")
    try:
        function(kernel, f"{place}/box", f"{place}/merged")
    except OSError as problem:
        talk.ask("refused", text=str(problem))
        return
    talk.ask("placed")
