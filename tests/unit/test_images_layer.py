"""Layers: what the kernel's overlay shows is what the layer tar of its upper directory gives."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import io
import multiprocessing
import os
import shutil
import stat
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from images_trees import archive, folder, hard, link, member, snapshot

from minidocker.engine.tree import Tree
from minidocker.errors import Blocked, MinidockerError, UsageError
from minidocker.images.archive import apply, pack, tar_headers, unpack
from minidocker.images.archive.stream import Stream
from minidocker.images.archive.tar import Archive
from minidocker.images.archive.upper import Upper, changes
from minidocker.kernel import flags
from minidocker.kernel.linux import Linux
from minidocker.stages.layers import OPTIONS, Layers

root_only = pytest.mark.needs("root")


def packed(upper: Path | str, *layers: Path | str) -> bytes:
    """The layer tar of an upper directory over layers, bottom first."""
    with Upper(str(upper), [str(layer) for layer in layers]) as tree:
        packer = pack.Packer(tree)
        return b"".join(iter(packer.next_piece, b""))


def applied(kind: type, data: bytes, where: Path | str, trusted: bool = True) -> object:
    file = io.BytesIO(data)
    unpacker = kind(str(where), "x.tar", trusted)
    unpacker.unpack(Archive(Stream(lambda: file.read(4096), "x.tar")))
    return unpacker


# --- random operations, and what the kernel shows ----------------------------------------

NAMES = [b"a", b"b", b"c d", b"\xff", "é".encode(), b"n" * 120]
paths = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map(b"/".join)
times = st.integers(-(10**15), 2 * 10**18)
operations = st.one_of(
    st.tuples(st.just("mkdir"), paths),
    st.tuples(st.just("write"), paths, st.binary(max_size=9)),
    st.tuples(st.just("append"), paths, st.binary(min_size=1, max_size=9)),
    st.tuples(st.just("remove"), paths),
    st.tuples(st.just("again"), paths),
    st.tuples(st.just("rename"), paths, paths),
    st.tuples(st.just("symlink"), paths, st.sampled_from([b"a", b"/etc", b"../b", b"x" * 140])),
    st.tuples(st.just("link"), paths, paths),
    st.tuples(st.just("chmod"), paths, st.integers(0, 0o7777)),
    st.tuples(st.just("chown"), paths, st.sampled_from([0, 7, 3_000_000]), st.integers(0, 9)),
    st.tuples(
        st.just("xattr"), paths, st.sampled_from(["user.a=%", "trusted.b"]), st.binary(max_size=9)
    ),
    st.tuples(st.just("node"), paths, st.sampled_from([0o020600, 0o060644, 0o010666])),
    st.tuples(st.just("utime"), paths, times),
    st.tuples(st.just("sparse"), paths),
)
rounds = st.lists(st.lists(operations, max_size=14), min_size=2, max_size=3)


@contextlib.contextmanager
def opened(path: bytes, mode: int) -> Iterator[int]:
    """A descriptor for writing; a pipe that nobody reads is refused, not waited for."""
    fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK | mode, 0o644)
    try:
        yield fd
    finally:
        os.close(fd)


def do(root: bytes, operation: tuple) -> None:
    """Do one operation in a tree; what the kernel refuses is not done."""
    word, path, *args = operation
    place = os.path.join(root, path)
    with contextlib.suppress(OSError):
        if word == "mkdir":
            os.makedirs(place)
        elif word in ("write", "append"):
            with opened(place, os.O_CREAT | (os.O_TRUNC if word == "write" else os.O_APPEND)) as fd:
                os.write(fd, args[0])
        elif word in ("remove", "again"):
            if os.path.isdir(place) and not os.path.islink(place):
                shutil.rmtree(place)
                if word == "again":
                    os.mkdir(place)
            else:
                os.unlink(place)
        elif word == "rename":
            os.rename(place, os.path.join(root, args[0]))
        elif word == "symlink":
            os.symlink(args[0], place)
        elif word == "link":
            os.link(place, os.path.join(root, args[0]), follow_symlinks=False)
        elif word == "chmod":
            os.chmod(place, args[0])
        elif word == "chown":
            os.chown(place, *args, follow_symlinks=False)
        elif word == "xattr":
            os.setxattr(place, *args, follow_symlinks=False)
        elif word == "node":
            os.mknod(place, args[0], os.makedev(1, 7))
        elif word == "utime":
            os.utime(place, ns=(1, args[0]), follow_symlinks=False)
        elif word == "sparse":
            with opened(place, 0) as fd:
                os.truncate(fd, 5 << 20)
                os.pwrite(fd, b"end", 3 << 20)


def do_all(root: str, operations: list[tuple]) -> None:
    """Do the operations in a child whose root is the tree: a link to "/etc" must not leave it."""
    child = os.fork()
    if child == 0:
        try:
            os.chroot(root)
            os.chdir("/")
            for operation in operations:
                do(b"/", operation)
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0


def play(base: str, plan: list[list[tuple]]) -> list[tuple]:
    """Play each round in an overlay over all rounds before; tell what was seen after each.

    (merged by the kernel, the tar applied to a flat copy, all layers in a new overlay)
    """
    kernel, told = Linux(), []
    for name in ("flat", "empty"):
        os.makedirs(f"{base}/{name}")
    layers = [f"{base}/layer0"]
    os.makedirs(layers[0])
    for number, operations in enumerate(plan, 1):
        upper, work, merged, lower = (f"{base}/{n}{number}" for n in ("u", "w", "m", "layer"))
        for path in (upper, work, merged, lower):
            os.makedirs(path)
        options = Layers.overlay_options(layers, upper, work)
        kernel.mount("overlay", merged, "overlay", 0, f"{options},{OPTIONS}")
        do_all(merged, operations)
        seen = snapshot(merged)
        kernel.umount2(merged)
        data = packed(upper, *layers)
        assert data == packed(upper, *layers)
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            tar.getmembers()  # others can read it
        applied(apply.Merge, data, f"{base}/flat")
        applied(apply.Lower, data, lower)
        layers.append(lower)
        shown = ":".join([*reversed(layers), f"{base}/empty"])
        kernel.mount("overlay", merged, "overlay", flags.MS_RDONLY, f"lowerdir={shown},{OPTIONS}")
        told.append((seen, snapshot(f"{base}/flat"), snapshot(merged)))
        kernel.umount2(merged)
    return told


def serve(place: str, line: multiprocessing.connection.Connection) -> None:
    """Play what is asked for in a mount namespace of this process's own, in memory."""
    kernel = Linux()
    kernel.unshare(flags.CLONE_NEWNS)
    kernel.mount("none", "/", "", flags.MS_REC | flags.MS_PRIVATE)
    while plan := line.recv():
        kernel.mount("tmpfs", place, "tmpfs", 0, "size=256m")
        try:
            line.send(play(place, plan))
        except Exception as problem:
            line.send(RuntimeError(f"{type(problem).__name__}: {problem}"))
        kernel.umount2(place, flags.MNT_DETACH)  # what is mounted below goes with it


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable]:
    """A function that plays rounds of operations on real overlay mounts."""
    ours, theirs = multiprocessing.Pipe()
    place = str(tmp_path_factory.mktemp("overlay"))
    process = multiprocessing.get_context("fork").Process(target=serve, args=(place, theirs))
    process.start()

    def ask(plan: list[list[tuple]]) -> list[tuple]:
        ours.send(plan)
        told = ours.recv()
        if isinstance(told, Exception):
            raise told
        return told

    yield ask
    ours.send([])
    process.join()


def compare(told: list[tuple]) -> None:
    for merged, flat, remounted in told:
        assert flat == merged
        assert remounted == merged


@pytest.mark.needs("root", "mntns", "overlay")
@pytest.mark.parametrize("plans", [100, pytest.param(1000, marks=pytest.mark.more)])
def test_the_layer_tar_gives_what_the_kernel_showed(stage: Callable, plans: int) -> None:
    @settings(max_examples=plans, deadline=None, derandomize=True,
              suppress_health_check=[HealthCheck.too_slow])  # fmt: skip
    @given(plan=rounds)
    def showed(plan: list) -> None:
        compare(stage(plan))

    showed()


TREE = [("mkdir", b"a/b"), ("write", b"a/b/c", b"x"), ("write", b"a/f", b"old")]
CASES = {
    "deleted": [TREE, [("remove", b"a/f")]],
    "a tree deleted": [TREE, [("remove", b"a")]],
    "deleted and made again": [TREE, [("again", b"a")]],
    "opaque with new files": [TREE, [("again", b"a"), ("write", b"a/f", b"new")]],
    "opaque, and the same names deeper": [TREE, [("again", b"a"), ("mkdir", b"a/b")]],
    "opaque under a third layer": [TREE, [("again", b"a")], [("write", b"a/f", b"2")]],
    "a directory becomes a file": [TREE, [("remove", b"a"), ("write", b"a", b"file")]],
    "a file becomes a directory": [TREE, [("remove", b"a/f"), ("mkdir", b"a/f/g")]],
    "and a directory again": [
        TREE, [("remove", b"a"), ("write", b"a", b"")], [("remove", b"a"), ("mkdir", b"a/z")],
    ],
    "many deletions, which share one inode": [
        [("write", bytes([65 + n]), b"x") for n in range(20)],
        [("remove", bytes([65 + n])) for n in range(19)],
    ],
    "a hard link breaks": [
        [("write", b"a", b"x"), ("link", b"a", b"b")], [("append", b"b", b"more")],
    ],
    "a hard link in the upper": [[("write", b"a", b"x")], [("link", b"a", b"b")]],
    "hard links of links and nodes": [
        [], [("symlink", b"a", b"x"), ("link", b"a", b"b"), ("node", b"c d", 0o020600),
             ("link", b"c d", "é".encode())],
    ],
    "a directory's own owner and attributes go": [
        [("mkdir", b"a"), ("chown", b"a", 7, 7), ("xattr", b"a", "trusted.b", b"1")],
        [("remove", b"a"), ("mkdir", b"a")],
    ],
    "an empty file before others": [[], [("write", b"a", b""), ("mkdir", b"b")]],
    "the root": [[("chmod", b".", 0o1770), ("chown", b".", 7, 7)], [("write", b"a", b"")]],
    "sparse": [[("write", b"a", b""), ("sparse", b"a")], [("append", b"a", b"x")]],
}  # fmt: skip


@pytest.mark.needs("root", "mntns", "overlay")
@pytest.mark.parametrize("name", CASES)
def test_a_case_that_went_wrong_elsewhere(stage: Callable, name: str) -> None:
    compare(stage(CASES[name]))


# --- what is in the tar, and what is not ---------------------------------------------------


def tree_of(where: Path, **files: str) -> Path:
    """A directory with files; __ in a name is a slash."""
    for name, text in files.items():
        path = where / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    where.mkdir(exist_ok=True)
    return where


def whiteout(path: Path) -> None:
    os.mknod(path, stat.S_IFCHR, 0)


def listed(data: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return tar.getnames()


@root_only
def test_marks_become_names_and_overlays_attributes_stay_out(tmp_path: Path) -> None:
    lower = tree_of(tmp_path / "lower", gone="", d__old="", f="")
    upper = tree_of(tmp_path / "upper", d__new="")
    whiteout(upper / "gone")
    whiteout(upper / "never-there")
    os.setxattr(upper / "d", "trusted.overlay.opaque", b"y")
    os.setxattr(upper / "d", "trusted.overlay.impure", b"y")
    os.setxattr(upper / "d", "trusted.mine", b"1")
    data = packed(upper, lower)
    assert listed(data) == [".", ".wh.gone", "d", "d/.wh..wh..opq", "d/new"]
    assert b"overlay" not in data
    assert b"SCHILY.xattr.trusted.mine=1" in data
    with Upper(str(upper), [str(lower)]) as tree:
        assert changes(tree) == [("C", b"/d"), ("A", b"/d/new"), ("D", b"/d/old"), ("D", b"/gone")]


@root_only
def test_changes_are_told_against_what_the_layers_show(tmp_path: Path) -> None:
    one = tree_of(tmp_path / "1", a="", b__x="", c__y="")
    two = tree_of(tmp_path / "2", c__z="")
    whiteout(two / "a")
    os.setxattr(two / "c", "trusted.overlay.opaque", b"y")
    upper = tree_of(tmp_path / "upper", a="", b__x="", c__y="", c__z="")
    with Upper(str(upper), [str(one), str(two)]) as tree:
        assert changes(tree) == [
            ("A", b"/a"), ("C", b"/b"), ("C", b"/b/x"), ("C", b"/c"), ("A", b"/c/y"),
            ("C", b"/c/z"),
        ]  # fmt: skip


@root_only
def test_gnu_tar_reads_it(tmp_path: Path) -> None:
    upper = tree_of(tmp_path / "upper", a="x", **{"n" * 130: "long"})
    os.link(upper / "a", upper / "z")
    os.utime(upper / "a", ns=(5, -1_500_000_000))
    os.chown(upper / "a", 3_000_000, 4_000_000)
    with open(upper / "sparse", "wb") as file:
        file.seek(3 << 20)
        file.write(b"end")
        file.truncate(5 << 20)
    (upper / "l").symlink_to("t" * 150)
    (tmp_path / "out").mkdir()
    data = packed(upper)
    assert len(data) < 100_000
    command = ["tar", "-x", "--numeric-owner", "-C", str(tmp_path / "out")]
    subprocess.run(command, input=data, check=True)
    assert snapshot(tmp_path / "out") == snapshot(upper)


@root_only
def test_the_same_tree_gives_the_same_tar_wherever_it_is_made(tmp_path: Path) -> None:
    digests = set()
    for name in ("one", "two"):
        upper = tree_of(tmp_path / name, **dict.fromkeys("zyxa" if name == "one" else "axyz", "1"))
        for path in (*upper.iterdir(), upper):
            os.utime(path, (7, 7))
        digests.add(hashlib.sha256(packed(upper)).hexdigest())
    assert len(digests) == 1


@root_only
def test_what_no_layer_can_say(tmp_path: Path) -> None:
    upper = tree_of(tmp_path / "upper", **{".wh.x": ""})
    with pytest.raises(UsageError, match=r"\.wh\.x.* cannot be in a layer"):
        packed(upper)
    (upper / ".wh.x").unlink()
    os.setxattr(upper, "trusted.overlay.redirect", b"/elsewhere")
    with pytest.raises(Blocked, match="data in another layer"):
        packed(upper)
    os.removexattr(upper, "trusted.overlay.redirect")
    os.makedirs("/".join([str(upper), *"d" * 300]))
    with pytest.raises(UsageError, match="more than 256 directories"):
        packed(upper)


@root_only
def put_another(file: Path) -> None:
    file.rename(file.parents[1] / "kept")  # else the new one may get its inode
    file.write_text("another one")


def put_a_fifo(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def put_a_device(file: Path) -> None:
    if os.geteuid():
        pytest.skip("blocked: needs root (sudo make test)")
    file.unlink()
    os.mknod(file, stat.S_IFCHR | 0o600, os.makedev(42, 42))  # for which there is no driver


@pytest.mark.parametrize("other", [put_another, put_a_fifo, put_a_device])
def test_what_takes_a_files_place_while_it_is_packed_is_not_opened(
    tmp_path: Path, other: Callable
) -> None:
    upper = tree_of(tmp_path / "upper", A="", a="text")
    with Upper(str(upper), []) as tree:
        packer = pack.Packer(tree)
        for _ in ("the root", "A"):  # then all names have been looked at
            packer.next_piece()
        other(upper / "a")
        with pytest.raises(Blocked, match="changed while it was read"):
            list(iter(packer.next_piece, b""))


@pytest.mark.parametrize("other", [put_a_fifo, put_a_device])
def test_what_takes_a_files_place_while_it_is_copied_is_not_opened(
    tmp_path: Path, other: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_text("text")
    fd = os.open(tmp_path, os.O_RDONLY)
    look = os.stat

    def swap(path: object, **more: object) -> os.stat_result:
        found = look(path, **more)  # type: ignore[arg-type]
        monkeypatch.setattr(os, "stat", look)
        other(tmp_path / "a")
        return found

    monkeypatch.setattr(os, "stat", swap)
    try:
        with pytest.raises(Blocked, match="changed while it was read"):
            list(Tree(fd, "a", "a", lambda path: ""))
    finally:
        os.close(fd)


def test_a_socket_is_left_out_and_counted(tmp_path: Path) -> None:
    upper = tree_of(tmp_path / "upper", a="")
    os.mknod(upper / "s", stat.S_IFSOCK | 0o600)
    with Upper(str(upper), []) as tree:
        packer = pack.Packer(tree)
        data = b"".join(iter(packer.next_piece, b""))
    assert listed(data) == [".", "a"]
    assert packer.lost == {"sockets": 1}


def test_records_count_their_own_digits() -> None:
    for size in (1, 86, 87, 88, 89, 90, 986, 987, 988, 989, 9985, 9986, 9987):
        record = tar_headers._record(b"key", b"v" * size)
        assert int(record.split(b" ")[0]) == len(record)


# --- hostile layers ------------------------------------------------------------------------

ATTACKS = {
    "dots": [member("../outside/file", b"bad")],
    "absolute": [member("OUT/new", b"bad")],
    "through a link of this layer": [link("l", "OUT"), member("l/new", b"bad")],
    "below: through its link": [member("old-link/new", b"bad")],
    "below: a directory through its link": [folder("old-link/new")],
    "hard link outside": [hard("h", "../outside/file"), member("h", b"bad")],
    "below: hard link through its link": [hard("h", "old-link/file")],
    "below: hard link to its file": [hard("h", "old/file"), member("h", b"bad")],
    "a deletion by dots": [member("../outside/.wh.file")],
    "a deletion through a link": [link("l", "OUT"), member("l/.wh.file")],
    "below: a deletion through its link": [member("old-link/.wh.file")],
    "below: opaque through its link": [member("old-link/.wh..wh..opq")],
    "a deletion, then the place becomes a link": [
        folder("d"), member("d/.wh.file"), link("d", "OUT"), member("d/x"),
    ],
    "deletes nothing": [member(".wh.")],
    "deletes dot": [member(".wh..")],
    "deletes dot dot": [member(".wh...")],
    "deletes dot dot below": [folder("d"), member("d/.wh...")],
    "deletes a slash": [member(".wh./etc")],
    "a directory with a deletion's name": [folder(".wh.d"), member(".wh.d/x", b"bad")],
    "a link with a deletion's name": [link(".wh.l", "OUT")],
    "a deletion with data": [member(".wh.x", b"data")],
    "marks of AUFS": [member(".wh..wh.plnk")],
    "overlay's deletion as a device": [member("f", type=tarfile.CHRTYPE)],
    "a disk": [member("disk", type=tarfile.BLKTYPE, devmajor=8)],
    "the machine's memory": [member("mem", type=tarfile.CHRTYPE, devmajor=1, devminor=1)],
    "through a device": [
        member("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3), member("null/x", b"bad"),
    ],
    "a file's size below zero": [member("a", pax_headers={"size": "-512"})],
    "a sparse file without end": [
        member("a", pax_headers={"GNU.sparse.map": "0,0", "GNU.sparse.size": str(2**62)}),
    ],
    "pieces of a sparse file that overlap": [
        member("a", b"x" * 20, pax_headers={"GNU.sparse.map": "0,10,5,10",
                                            "GNU.sparse.size": "100"}),
    ],
}  # fmt: skip


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A tree with an older layer in it, beside files that an attack would like to change."""
    tree_of(tmp_path / "outside", file="unhurt", sub__x="unhurt")
    tree_of(tmp_path / "root", old__file="old")
    (tmp_path / "root/old-link").symlink_to("../outside")
    return tmp_path / "root"


def aimed(members: list, outside: Path) -> bytes:
    """The archive of an attack, with OUT in its names made the path of what it attacks."""
    ready = []
    for info, data in members:
        copied = copy.copy(info)
        copied.name = info.name.replace("OUT", str(outside))
        copied.linkname = info.linkname.replace("OUT", str(outside))
        ready.append((copied, data))
    return archive(ready)


@root_only
@pytest.mark.parametrize(
    ("kind", "name"),
    [(apply.Merge, name) for name in ATTACKS]
    + [(apply.Lower, name) for name in ATTACKS if not name.startswith("below: ")],
)
def test_attack_is_refused_and_nothing_outside_changes(kind: type, name: str, victim: Path) -> None:
    outside = victim.parent / "outside"
    if kind is apply.Lower:  # a layer by itself, in an empty directory
        shutil.rmtree(victim)
        victim.mkdir()
    before = snapshot(outside)
    with pytest.raises(UsageError) as caught:
        applied(kind, aimed(ATTACKS[name], outside), victim, trusted=False)
    assert "\n" not in caught.value.message
    assert caught.value.remedy
    assert snapshot(outside) == before


@root_only
@pytest.mark.parametrize("kind", [apply.Merge, apply.Lower])
def test_a_million_members_are_refused(
    kind: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpack, "MOST", 1000)
    (tmp_path / "root").mkdir()
    many = archive([member(f".wh.{n}" if n % 2 else f"{n}") for n in range(1100)])
    with pytest.raises(UsageError, match="more than 1000 members"):
        applied(kind, many, tmp_path / "root")


@root_only
def test_what_is_attached_to_overlay_does_not_come_in_by_a_tar(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    marked = folder("d", pax_headers={"SCHILY.xattr.trusted.overlay.opaque": "y"})
    unpacker = applied(apply.Lower, archive([marked]), tmp_path / "root")
    assert unpacker.lost == {"trusted.overlay.opaque": 1}
    assert os.listxattr(tmp_path / "root/d") == []


@root_only
@pytest.mark.parametrize("late", [False, True])
def test_a_deletion_is_for_the_layers_below_wherever_it_stands(late: bool, tmp_path: Path) -> None:
    root = tree_of(tmp_path / "root", d__old="old", f="old", e__s__old="")
    brings = [folder("d"), member("d/new"), member("f", b"new"), folder("e"), folder("e/s"),
              member("e/s/new")]  # fmt: skip
    marks = [member(".wh.d"), member(".wh.f"), member("e/.wh..wh..opq")]
    data = archive(brings + marks if late else marks + brings)
    applied(apply.Merge, data, root)
    assert sorted(p.relative_to(root).as_posix() for p in root.rglob("*")) == [
        "d", "d/new", "e", "e/s", "e/s/new", "f",
    ]  # fmt: skip
    assert (root / "f").read_text() == "new"
    (tmp_path / "lower").mkdir()
    applied(apply.Lower, data, tmp_path / "lower")
    assert os.getxattr(tmp_path / "lower/d", "trusted.overlay.opaque") == b"y"
    assert os.getxattr(tmp_path / "lower/e", "trusted.overlay.opaque") == b"y"
    assert (tmp_path / "lower/f").read_text() == "new"


@root_only
def test_apply_layer_reads_packed_files_and_keeps_what_it_does_not_name(tmp_path: Path) -> None:
    root = tree_of(tmp_path / "root", kept="k", gone="g")
    os.chmod(root, 0o711)
    with tarfile.open(tmp_path / "layer.tar.gz", "w:gz") as tar:
        for info, data in [member(".wh.gone"), member("new", b"n")]:
            tar.addfile(info, io.BytesIO(data))
    apply.apply_layer(str(tmp_path / "layer.tar.gz"), str(root))
    assert sorted(os.listdir(root)) == ["kept", "new"]
    assert stat.S_IMODE(root.stat().st_mode) == 0o711
    with pytest.raises(MinidockerError):
        apply.apply_layer(str(tmp_path / "missing.tar"), str(root))
