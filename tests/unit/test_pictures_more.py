"""Pictures of mounts, layers, cgroups and use over time; layers are compared with the kernel."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from recorded_proc import make
from test_stats import FULL, cgroup

from minidocker.pictures.cgroup_tree import cgroup_tree
from minidocker.pictures.layer_stack import find, layer_stack, layers_of, verdict
from minidocker.pictures.mount_tree import mount_tree
from minidocker.pictures.picture import Picture
from minidocker.pictures.timeline import usage_timeline, watch_usage
from minidocker.proc.machine import Host
from minidocker.proc.usage import Sample

MOUNTS = """\
50 10 8:1 / / rw shared:1 - ext4 /dev/sda rw
51 50 0:5 / /proc rw master:7 - proc proc rw
52 50 0:6 / /a\\040b rw - tmpfs <none> rw
53 52 0:7 / /a\\040b/c ro shared:9 master:1 - tmpfs t rw
54 52 0:8 / /a\\040b/d rw unbindable - tmpfs t rw
"""


def drawn(picture: Picture) -> str:
    """Check what every picture must have; return the words that are drawn."""
    root = ElementTree.fromstring(picture.svg())
    assert root.get("role") == "img" and picture.desc
    height = float(root.get("height", "0"))
    texts = list(root.iter("{http://www.w3.org/2000/svg}text"))
    assert all(0 < float(item.get("y", "0")) <= height for item in texts)
    assert set(picture._repr_mimebundle_()) == {"text/html", "image/svg+xml", "text/plain"}
    return "\n".join(item.text or "" for item in texts)


# --- mounts --------------------------------------------------------------------------------------


@pytest.fixture
def procfs(tmp_path: Path) -> str:
    for pid, text in ((100, MOUNTS), (200, "20 1 8:1 / / rw shared:1 - ext4 /dev/sda rw\n")):
        (make(tmp_path, pid) / "mountinfo").write_text(text)
    (tmp_path / "self").symlink_to("200")
    return str(tmp_path)


def test_mounts_stand_as_a_tree_with_their_propagation(procfs: str) -> None:
    picture = mount_tree(100, procfs)
    words = drawn(picture)
    assert [(row[0], row[2]) for row in picture.rows] == [
        ("/", "shared 1, with you"),
        ("  /proc", "slave of 7"),
        ("  /a b", "private"),
        ("    /a b/c", "shared 9, slave of 1 (yours)"),
        ("    /a b/d", "unbindable"),
    ]
    assert "A mount made below / appears at yours as well." in picture.desc
    for word in ("shared: mounts travel both ways", "private: they stay", "/a b/c"):
        assert word in words


def test_the_same_table_is_told_as_such(procfs: str) -> None:
    assert mount_tree("self", procfs).desc.endswith("It is your own mount table.")


def test_a_long_table_is_cut_in_the_drawing_only(procfs: str) -> None:
    picture = mount_tree(100, procfs, limit=2)
    assert len(picture.rows) == 5 and "… and 3 more: see the table" in drawn(picture)


def test_a_part_of_the_mounts(procfs: str) -> None:
    assert len(mount_tree(100, procfs, below="/a b").rows) == 3
    with pytest.raises(LookupError):
        mount_tree(100, procfs, below="/a")


def test_mounts_of_nobody(procfs: str) -> None:
    with pytest.raises(LookupError):
        mount_tree(4242, procfs)
    (Path(procfs) / "100" / "mountinfo").write_text("")
    with pytest.raises(LookupError, match="zombie"):
        mount_tree(100, procfs)


# --- layers --------------------------------------------------------------------------------------


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


# --- cgroups -------------------------------------------------------------------------------------


@pytest.fixture
def tree(tmp_path: Path) -> Host:
    """Two containers; one has a limit and is full, the other is frozen."""
    top = tmp_path / "sys/fs/cgroup"
    cgroup(top)
    cgroup(top / "minidocker", memory_current="5", memory_max="max", cgroup_procs="")
    cgroup(top / "minidocker/one", **{**FULL, "memory_max": "1024"})
    cgroup(top / "minidocker/two", cgroup_events="populated 1\nfrozen 1")
    me = tmp_path / "proc/self"
    me.mkdir(parents=True)
    (me / "mountinfo").write_text("23 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n")
    (tmp_path / "proc/77").mkdir()
    (tmp_path / "proc/77/cgroup").write_text("0::/minidocker/one\n")
    return Host(root=str(tmp_path))


def test_the_tree_with_limits_and_use(tree: Host) -> None:
    picture = cgroup_tree(host=tree)
    words = drawn(picture)
    rows = {row[0].strip(): row for row in picture.rows}
    assert [row[0] for row in picture.rows][1:] == ["  minidocker", "    one", "    two"]
    assert rows["one"][1:6] == (
        "2", "1000 B / 1 KiB", "4 / 10", "1.5 s / 0.5 CPUs", "throttled 7 of 20",
    )  # fmt: skip
    assert "2 killed for memory" in rows["one"][7] and rows["two"][7] == "frozen"
    assert "With a limit of their own: one." in picture.desc
    assert "throttled 7 of 20" in words and "two (2) frozen" in words


def test_the_group_of_a_process_is_marked(tree: Host) -> None:
    picture = cgroup_tree(pid=77, host=tree)
    assert picture.rows[0][0] == "minidocker"
    assert [row[0].strip() for row in picture.rows if "this process" in row[7]] == ["one"]
    assert "← this process" in drawn(picture)


def test_a_part_of_the_tree(tree: Host) -> None:
    assert len(cgroup_tree("minidocker/two", host=tree).rows) == 1
    assert len(cgroup_tree(depth=1, host=tree).rows) == 2
    with pytest.raises(LookupError):
        cgroup_tree("nothing", host=tree)
    with pytest.raises(LookupError):
        cgroup_tree("../../..", host=tree)


def test_a_hybrid_machine_says_so(tree: Host) -> None:
    with open(tree.path("/proc/self/mountinfo"), "a") as file:
        file.write("24 20 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n")
    assert "controllers sit on version 1" in drawn(cgroup_tree(host=tree))
    Path(tree.path("/proc/self/mountinfo")).write_text("")
    with pytest.raises(LookupError):
        cgroup_tree(host=tree)


# --- over time -----------------------------------------------------------------------------------


def samples(count: int = 6, **more: object) -> list[Sample]:
    return [
        Sample(100 + at, "cgroup", at * 0.5, (10 + 10 * at) << 20, 64 << 20, 3, periods=10 * at,
               throttled=4 * at, oom_kills=int(at == 5), cpu_limit=0.5)
        for at in range(count)
    ]  # fmt: skip


def points(picture: Picture) -> list[list[tuple[float, float]]]:
    """Return the corners of each line of more than two points."""
    found = re.findall(r'<polyline points="([^"]+)"', picture.svg())
    lines = [[tuple(map(float, pair.split(","))) for pair in text.split()] for text in found]
    return [line for line in lines if len(line) >= 5 and line[0][0] < line[-1][0]]  # type: ignore[misc]


def test_memory_rises_in_the_drawing_too() -> None:
    picture = usage_timeline(samples())
    words = drawn(picture)
    heights = [y for _, y in points(picture)[0]]
    assert heights == sorted(heights, reverse=True) and len(set(heights)) == 6
    assert "limit 64 MiB" in words and "limit 50 %" in words and "killed: 1" in words
    assert picture.rows[-1] == ("5.0", "60 MiB", "64 MiB", "50 %", "4 of 10", "3", "1")
    assert "20 periods were cut short" in picture.desc and "1 process killed" in picture.desc


def test_no_limit_and_no_throttling_draw_none() -> None:
    plain = [Sample(at, "proc", 0.0, 5, pids=1) for at in range(3)]
    words = drawn(usage_timeline(plain))
    assert "limit" not in words and "cut short" not in words
    assert "no cgroup v2 here" in usage_timeline(plain).desc


def test_one_sample_is_no_line() -> None:
    with pytest.raises(ValueError, match="two samples"):
        usage_timeline(samples(1))


def test_watching_ends_with_the_container() -> None:
    child = subprocess.Popen(["sleep", "60"])
    rounds = 0

    def pause(seconds: float) -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 2:
            child.kill()
            child.wait()

    try:
        picture = watch_usage(child.pid, 600, 0.01, pause=pause)
    finally:
        child.kill()
        child.wait()
    assert rounds == 2 and len(picture.rows) == 1


def test_a_notebook_redraws_one_output() -> None:
    """The picture that a watch returns stands in the cell once, and can be shown in another."""
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    watch = "watch_usage(os.getpid(), 0.5, 0.1)"
    cells = [
        f"import os\nfrom minidocker.lab import watch_usage\n{watch}",
        f"seen = {watch}",
        "seen",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
    nbclient.NotebookClient(notebook, timeout=60).execute()
    shown = [[set(output["data"]) for output in cell.outputs] for cell in notebook.cells]
    assert shown == [[{"text/html", "image/svg+xml", "text/plain"}]] * 3
