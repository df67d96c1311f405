"""The stack of layers, drawn; the kernel has the last word."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from drawn import drawn
from recorded_proc import make

from minidocker.pictures.layer_stack import find, layer_stack, layers_of, verdict


def layers(tmp_path: Path, *trees: dict[str, str]) -> list[str]:
    """Make layers, bottom first: {path: content}, with content "/" for a directory."""
    made = []
    for number, tree in enumerate(trees):
        top = tmp_path / str(number)
        top.mkdir(parents=True)
        for name, content in tree.items():
            path = top / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.mkdir() if content == "/" else path.write_text(content)
        made.append(str(top))
    return made


def test_the_topmost_file_wins(tmp_path: Path) -> None:
    stack = layers(tmp_path, {"etc/x": "low"}, {"etc/x": "high"}, {"etc/y": ""})
    assert [item.state for item in find(stack, "/etc/x")] == ["absent", "wins", "hidden"]
    picture = layer_stack(stack, "/etc/x", names=("base", "app", "upper"))
    assert picture.desc == "/etc/x comes from app; 1 layer below has it too, unseen."
    assert "wins" in drawn(picture)
    assert [row[0] for row in picture.rows] == ["upper", "app", "base"]


@pytest.mark.skipif(sys.platform != "linux", reason="blocked: reads /proc")
def test_a_mount_over_the_file_is_told(tmp_path: Path) -> None:
    stack = layers(tmp_path, {"proc/x": ""}, {"upper": ""})
    picture = layer_stack(stack, "/proc/x", names=("base", "upper"), pid="self")
    assert picture.desc.startswith("/proc/x comes from base. But a mount covers it")
    assert "a mount covers it" in drawn(picture)
    assert "a mount covers" not in layer_stack(stack, "/proc/x").desc
    stack = layers(tmp_path / "b", {"nothing-is-mounted-here": ""})
    assert "a mount covers" not in layer_stack(stack, "/nothing-is-mounted-here", pid="self").desc


def test_directories_are_merged(tmp_path: Path) -> None:
    stack = layers(tmp_path, {"etc/x": ""}, {"usr": "/"}, {"etc/y": ""})
    assert [item.state for item in find(stack, "etc")] == ["wins", "absent", "merges"]
    assert verdict("/etc", find(stack, "etc"), "cba") == "/etc comes from c, merged with a."


def test_a_file_below_a_directory_ends_the_view(tmp_path: Path) -> None:
    stack = layers(tmp_path, {"a/x": ""}, {"a": "file"}, {"a/y": ""})
    assert [item.state for item in find(stack, "a")] == ["wins", "hidden", "hidden"]
    found = find(stack, "a/x")
    assert [item.state for item in found] == ["absent", "in the way", "hidden"]
    assert "stands in the way" in verdict("/a/x", found, "cba")


@pytest.mark.needs("root")
def test_whiteouts_and_opaque_directories(tmp_path: Path) -> None:
    stack = layers(tmp_path, {"etc/x": "", "var/x": ""}, {"var": "/"}, {"etc": "/"})
    os.mknod(f"{stack[2]}/etc/x", 0o20000 | 0o600, 0)
    os.setxattr(f"{stack[1]}/var", "trusted.overlay.opaque", b"y")
    assert [item.state for item in find(stack, "etc/x")] == ["whiteout", "absent", "hidden"]
    assert [item.state for item in find(stack, "var")] == ["absent", "opaque", "hidden"]
    found = find(stack, "var/x")
    assert [item.state for item in found] == ["absent", "absent", "hidden"]
    told = verdict("/var/x", found, ("upper", "app", "base"))
    assert told == "/var/x is not in the merged tree: base has it, with opaque /var above it."


def test_a_rootless_layers_marks_count_too(tmp_path: Path) -> None:
    stack = layers(tmp_path, {"var/x": ""}, {"var": "/"})
    try:
        os.setxattr(f"{stack[1]}/var", "user.overlay.opaque", b"y")
    except OSError:
        pytest.skip("blocked: this file system has no user attributes")
    assert [item.state for item in find(stack, "var/x")] == ["absent", "hidden"]


def test_layers_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(LookupError):
        layer_stack([])
    with pytest.raises(LookupError):
        layer_stack([str(tmp_path / "gone")], "/x")
    with pytest.raises(ValueError, match="one for each"):
        layer_stack([str(tmp_path)], "/x", names=("a", "b"))


def test_the_layers_of_a_process(tmp_path: Path) -> None:
    folder = make(tmp_path, 100)
    (folder / "mountinfo").write_text(
        "90 80 0:70 / / rw - overlay overlay rw,lowerdir=/b:/a,upperdir=/u,workdir=/w\n"
        "91 90 0:71 / /proc rw - proc proc rw\n"
    )
    assert layers_of(100, str(tmp_path)) == ["/a", "/b", "/u"]
    with pytest.raises(LookupError, match="proc, no overlay"):
        layers_of(100, str(tmp_path), "/proc")


MOUNT_AND_READ = """
import json, os, subprocess, sys
for job in json.load(sys.stdin):
    lower, top = ":".join(reversed(job["layers"][:-1])), job["layers"][-1]
    options = f"lowerdir={lower},upperdir={top},workdir={job['work']},redirect_dir=off,index=off"
    subprocess.run(["mount", "-t", "overlay", "-o", options, "none", job["merged"]], check=True)
    told = {}
    for path in job["paths"]:
        full = f"{job['merged']}/{path}"
        if os.path.isdir(full):
            told[path] = sorted(os.listdir(full))
        elif os.path.lexists(full):
            told[path] = open(full).read()
    print(json.dumps(told))
"""
PATHS = ("a", "b", "a/a", "a/b", "b/a", "a/a/a", "a/b/a", "b/a/b")


def random_layer(top: Path, dice: random.Random) -> None:
    """Fill a layer with files that hold its number, directories, whiteouts, opaque directories."""
    top.mkdir()
    for path in PATHS:
        here = top / path
        if not here.parent.is_dir() or dice.random() < 0.3:
            continue
        kind = dice.choice(("file", "dir", "dir", "dir", "opaque", "whiteout"))
        if kind == "file":
            here.write_text(top.name)
        elif kind == "whiteout":
            os.mknod(here, 0o20000 | 0o600, 0)
        else:
            here.mkdir()
            if kind == "opaque":
                os.setxattr(here, "trusted.overlay.opaque", b"y")


@pytest.mark.needs("root", "mntns", "overlay")
def test_the_kernel_agrees(tmp_path: Path) -> None:
    """In random stacks: what wins here is what a real overlay shows; so is what is not there."""
    dice, jobs = random.Random(4), []
    for number in range(40):
        base = tmp_path / str(number)
        for name in ("work", "merged"):
            (base / name).mkdir(parents=True)
        stack = [base / str(at) for at in range(4)]
        for layer in stack:
            random_layer(layer, dice)
        jobs.append({"layers": [str(layer) for layer in stack], "work": str(base / "work"),
                     "merged": str(base / "merged"), "paths": PATHS})  # fmt: skip
    foretold = [{path: find(job["layers"], path) for path in PATHS} for job in jobs]
    done = subprocess.run(
        ["unshare", "-m", "--propagation", "private", sys.executable, "-c", MOUNT_AND_READ],
        input=json.dumps(jobs), capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    kinds = set()
    for line, told, job in zip(done.stdout.splitlines(), foretold, jobs, strict=True):
        shown = json.loads(line)
        for path, found in told.items():
            here = (job["merged"], path, found)
            givers = [item for item in found if item.state in ("wins", "opaque", "merges")]
            kinds.update(item.state for item in found)
            if not givers:
                assert path not in shown, here
            elif isinstance(shown.get(path), str):
                assert [Path(item.layer).name for item in givers] == [shown[path]], here
            else:
                assert path in shown and all("directory" in item.seen for item in givers), here
                names = {name for item in givers for name in os.listdir(f"{item.layer}/{path}")}
                assert set(shown[path]) <= names, here
    assert kinds == {"wins", "merges", "hidden", "whiteout", "opaque", "absent", "in the way"}
