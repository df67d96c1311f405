"""Unpacking: whole, and never outside the root."""

from __future__ import annotations

import errno
import io
import os
import struct
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from images_trees import Tree, archive, folder, hard, link, member, snapshot

from minidocker.errors import Blocked, MinidockerError, UsageError
from minidocker.images.archive import sparse, unpack
from minidocker.images.archive.stream import Stream
from minidocker.images.archive.tar import Archive
from minidocker.images.store import files

root_only = pytest.mark.needs("root")


def unpacked(data: bytes, where: Path) -> unpack.Unpacker:
    file = io.BytesIO(data)
    unpacker = unpack.Unpacker(str(where), "x.tar")
    unpacker.unpack(Archive(Stream(lambda: file.read(4096), "x.tar")))
    return unpacker


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A directory outside the root, with files that an attack would like to change."""
    outside = tmp_path / "outside"
    (outside / "sub").mkdir(parents=True)
    (outside / "file").write_text("unhurt")
    os.chmod(outside / "file", 0o600)
    os.utime(outside / "file", (5, 5))
    return outside


# Hostile archives: each tries to reach OUT, an absolute path, or ../outside

ATTACKS = {
    "dots": [member("../outside/file", b"bad")],
    "dots inside": [folder("a"), member("a/../../outside/new", b"bad")],
    "dots that stay inside": [folder("a"), member("a/../b", b"bad")],
    "dots alone": [folder("..")],
    "absolute": [member("OUT/new", b"bad")],
    "absolute directory": [folder("OUT/newdir")],
    "many slashes": [member("//OUT/new", b"bad")],
    "through an absolute link": [link("l", "OUT"), member("l/new", b"bad")],
    "through a relative link": [link("l", "../outside"), member("l/file", b"bad")],
    "through two links": [link("l", "m"), link("m", "../outside"), member("l/new", b"bad")],
    "directory through a link": [link("l", "OUT"), folder("l/newdir")],
    "deep through a link": [folder("a"), link("a/l", "../../outside"), member("a/l/sub/x", b"")],
    "link to the root": [link("l", "/"), member("l/new", b"bad")],
    "through a link to here": [link("l", "."), member("l/new", b"bad")],
    "hard link by dots": [hard("h", "../outside/file"), member("h", b"bad")],
    "hard link absolute": [hard("h", "OUT/file")],
    "hard link through a link": [link("l", "OUT"), hard("h", "l/file")],
    "hard link to nothing": [hard("h", "missing")],
    "hard link to the root": [hard("h", ".")],
    "hard link to a directory": [folder("d"), hard("h", "d")],
    "through a file": [member("f", b"x"), member("f/new", b"bad")],
    "through a node": [member("n", type=tarfile.FIFOTYPE), member("n/new", b"bad")],
    "a directory made a link": [
        folder("d"), member("d/f"), link("d", "OUT"), member("d/new", b"bad"),
    ],
    "an empty directory made a link": [folder("d"), link("d", "OUT"), member("d/new", b"bad")],
    "a hard link's way made a link": [
        folder("d"), member("d/file"), hard("h", "d/file"), folder("e"), hard("d/h2", "h"),
        link("e", "OUT"), hard("g", "e/file"),
    ],
    "the root as a file": [member(".", b"bad")],
    "the root as a link": [link(".", "OUT")],
    "nul in a name": [member("a", pax_headers={"path": "a\0b"})],
    "nul in a link": [link("a", "b", pax_headers={"linkpath": "a\0b"})],
    "owner that means no change": [member("a", uid=2**32 - 1)],
    "owner below zero": [member("a", gid=-2)],
    "time beyond all time": [member("a", mtime=2**70)],
    "name too long": [member("n" * 300)],
    "path too deep": [member("d/" * 400 + "f")],
    "empty link": [link("l", "")],
}  # fmt: skip


FORMATS = {"pax": tarfile.PAX_FORMAT, "gnu": tarfile.GNU_FORMAT}


@pytest.mark.parametrize(
    ("name", "format"),  # GNU's format cannot say a NUL in a name
    [(name, f) for name in ATTACKS for f in FORMATS if f == "pax" or "nul in" not in name],
)
def test_attack_is_refused_and_nothing_outside_changes(
    name: str, format: str, place: Path, canary: Path
) -> None:
    before = snapshot(place.parent)
    members = []
    for info, data in ATTACKS[name]:
        copy = tarfile.TarInfo()
        for field in info.get_info():
            if field not in ("chksum",):
                setattr(copy, field, getattr(info, field))
        copy.pax_headers = info.pax_headers
        copy.name = copy.name.replace("OUT", str(canary))
        copy.linkname = copy.linkname.replace("OUT", str(canary))
        members.append((copy, data))
    with pytest.raises(UsageError) as caught:
        unpacked(archive(members, FORMATS[format]), place)
    assert caught.value.remedy
    assert "\n" not in caught.value.message
    after = snapshot(place.parent)
    assert {p: v for p, v in after.items() if not p.startswith(b"root") and p != b"."} == {
        p: v for p, v in before.items() if not p.startswith(b"root") and p != b"."
    }


def test_links_that_nobody_follows_may_say_anything(place: Path, canary: Path) -> None:
    members = [
        link("abs", str(canary / "file")), link("dots", "../../../etc/passwd"),
        link("self", "self"), hard("hard", "abs"), member("abs", b"new"),
    ]  # fmt: skip
    unpacked(archive(members), place)
    assert (place / "abs").read_bytes() == b"new"  # takes the link's place, is not written through
    assert os.readlink(place / "hard") == str(canary / "file")
    assert (canary / "file").read_text() == "unhurt"


def test_a_later_member_takes_the_place_of_an_earlier_one(place: Path) -> None:
    members = [
        member("a", b"old"), member("a", b"new"),
        folder("d"), member("d", b"file now"),
        link("l", "/etc"), folder("l"), member("l/in", b"inside"),
        folder("twice", 0o700), member("twice/f"), folder("twice", 0o751),
        member("f1", b"1"), hard("f2", "f1"), member("f1", b"2"),
    ]  # fmt: skip
    unpacked(archive(members), place)
    assert (place / "a").read_bytes() == b"new"
    assert (place / "d").read_bytes() == b"file now"
    assert (place / "l/in").read_bytes() == b"inside"
    assert not (place / "l").is_symlink()
    assert (place / "twice").stat().st_mode & 0o7777 == 0o751
    assert (place / "f2").read_bytes() == b"1"


def test_directories_that_the_archive_leaves_out_are_made(place: Path) -> None:
    unpacked(archive([member("a/b/c", b"x")]), place)
    assert (place / "a/b").stat().st_mode & 0o7777 == 0o755


def test_a_directory_that_its_owner_may_not_enter(place: Path) -> None:
    unpacked(archive([folder("d", 0), member("d/f", b"x", mode=0), folder(".", 0o500)]), place)
    assert (place / "d").stat().st_mode & 0o7777 == 0
    assert place.stat().st_mode & 0o7777 == 0o500
    files.remove_tree(str(place))
    assert not place.exists()


# Bounds


def test_too_many_members(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "MOST", 10)
    with pytest.raises(UsageError, match="more than 10 members"):
        unpacked(archive([member(str(n)) for n in range(11)]), place)


def test_a_full_disk_is_seen_before_it_is_full(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpack, "KEEP_FREE", 1 << 60)
    with pytest.raises(Blocked, match="disk is too full"):
        unpacked(archive([member("a", b"x" * 10)]), place)


def test_a_sparse_bomb_is_refused(place: Path) -> None:
    size = {"GNU.sparse.size": str(sparse.LARGEST + 1), "GNU.sparse.map": "0,0"}
    with pytest.raises(UsageError, match="a sparse file of"):
        unpacked(archive([member("a", pax_headers=size)]), place)


@pytest.mark.needs("root")
def test_a_device_that_may_not_be_made(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "mknod", refuse)
    node = member("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3)
    with pytest.raises(Blocked, match="'null' cannot be made here"):
        unpacked(archive([node]), place)


# A user without root: everything is the user's own, and what is lost is counted


def test_without_root_owners_and_devices_are_counted(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "fchown", lambda *_: None)
    node = member("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3)
    lost = unpacked(archive([member("f", uid=7), node, hard("again", "null")]), place).lost
    assert lost == {"owners": 1, "device nodes": 2}
    assert [p.name for p in place.iterdir()] == ["f"]


# Whole: beside GNU tar


def make_tree(root: Path) -> None:
    """A small tree with one of everything that a Linux file system can hold."""
    root.mkdir()
    (root / "bin").mkdir()
    (root / "bin/su").write_bytes(b"#!setuid")
    os.chown(root / "bin/su", 0, 42)
    os.chmod(root / "bin/su", 0o6755)
    os.link(root / "bin/su", root / "bin/su2")
    (root / "bin/ping").write_bytes(b"capable")
    capability = bytes.fromhex("0100000200200000000000000000000000000000")
    os.setxattr(root / "bin/ping", "security.capability", capability)
    os.setxattr(root / "bin/ping", "user.note", b"line\n=\0\xff")
    os.setxattr(root / "bin", "user.odd=name%", b"1")
    os.mknod(root / "null", 0o020666, os.makedev(1, 3))
    os.mknod(root / "disk", 0o060660, os.makedev(259, 70000))
    os.chown(root / "disk", 0, 6)
    os.mkfifo(root / "fifo")
    os.symlink("/etc/passwd", root / "absolute")
    os.symlink("bin/su", root / "relative")
    os.link(root / "relative", root / "relative2", follow_symlinks=False)
    os.lchown(root / "relative", 123456, 2**31 + 5)
    for name in (
        b"new\nline",
        b"\xff\xfe not utf-8",
        b"-rf",
        b" ",
        b"\\",
        b"x" * 255,
        b'"',
        b"\x01",
    ):
        Path(os.fsdecode(os.path.join(os.fsencode(root), name))).write_bytes(name)
    deep = root
    for _ in range(20):
        deep = deep / ("d" * 30)
        deep.mkdir()
    (deep / "file").write_bytes(b"deep")
    with open(root / "sparse", "wb") as file:
        for offset in (0, 1 << 20, 5 << 20):
            file.seek(offset)
            file.write(b"data" * 2000)
        file.truncate(9 << 20)
    with open(root / "holey", "wb") as file:  # more pieces than fit one header
        for piece in range(60):
            file.seek(piece << 16)
            file.write(b"p" * 4096)
    with open(root / "all hole", "wb") as file:
        file.truncate(1 << 20)
    (root / "tmp").mkdir()
    os.chmod(root / "tmp", 0o1777)
    (root / "closed").mkdir()
    (root / "closed/f").write_bytes(b"")
    os.chmod(root / "closed", 0)
    for number, (folder_, names, found) in enumerate(os.walk(root, topdown=False)):
        for name in names + found + ["."]:
            when = 10**18 + number * 10**9 + 123456789
            os.utime(os.path.join(folder_, name), ns=(when, when), follow_symlinks=False)


def whole(root: Path, data: bytes, place: Path) -> tuple[Tree, Tree]:
    unpacker = unpacked(data, place)
    assert unpacker.lost == {}
    return snapshot(root), snapshot(place)


@root_only
@pytest.mark.parametrize(
    "options",
    [
        ["--format=pax"],
        ["--format=pax", "--sparse", "--sparse-version=1.0"],
        ["--format=pax", "--sparse", "--sparse-version=0.1"],
        ["--format=pax", "--sparse", "--sparse-version=0.0"],
    ],
    ids=lambda words: "-".join(word[-3:] for word in words),
)
def test_everything_comes_whole(options: list[str], tmp_path: Path, place: Path) -> None:
    make_tree(tmp_path / "tree")
    command = ["tar", "-C", tmp_path / "tree", "--numeric-owner", "--xattrs", "--xattrs-include=*"]
    done = subprocess.run([*command, *options, "-cf", "-", "."], capture_output=True, check=True)
    told, got = whole(tmp_path / "tree", done.stdout, place)
    assert got == told
    if "--sparse" in options:
        assert (place / "sparse").stat().st_blocks * 512 < 1 << 20


@root_only
def test_gnu_format_comes_whole_but_for_attributes(tmp_path: Path, place: Path) -> None:
    make_tree(tmp_path / "tree")
    command = ["tar", "-C", tmp_path / "tree", "--format=gnu", "--sparse", "-cf", "-", "."]
    done = subprocess.run(command, capture_output=True, check=True)
    told, got = whole(tmp_path / "tree", done.stdout, place)
    seconds = {p: (*v[:3], v[3] // 10**9 * 10**9, v[4], {}, v[6]) for p, v in told.items()}
    assert got == seconds


@root_only
def test_attributes_of_overlay_are_left_out_and_counted(place: Path) -> None:
    info, data = member("f")
    info.pax_headers = {"SCHILY.xattr.trusted.overlay.opaque": "y", "SCHILY.xattr.user.a": "b"}
    assert unpacked(archive([(info, data)]), place).lost == {"trusted.overlay.opaque": 1}
    assert os.listxattr(place / "f") == ["user.a"]


@root_only
def test_nothing_is_inherited_from_the_directory_above(tmp_path: Path) -> None:
    os.chown(tmp_path, 0, 77)
    os.chmod(tmp_path, 0o2755)
    # acl(5): u::rwx u:55:rwx g::r-x m::rwx o::r-x, as the kernel keeps it
    entries = [(1, 7, -1), (2, 7, 55), (4, 5, -1), (16, 7, -1), (32, 5, -1)]
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)
    os.setxattr(tmp_path, "system.posix_acl_default", acl)
    (tmp_path / "root").mkdir()
    unpacked(archive([folder("d"), member("d/f")]), tmp_path / "root")
    for path in (tmp_path / "root/d", tmp_path / "root/d/f"):
        info = path.stat()
        assert info.st_gid == 0
        assert not info.st_mode & 0o2000
        assert os.listxattr(path) == []


# Any tree

NAMES = st.binary(min_size=1, max_size=20).filter(
    lambda name: not set(name) & set(b"/\0") and name not in (b".", b"..")
)
FILES = st.tuples(st.just("file"), st.binary(max_size=3000), st.integers(0, 0o7777))
LINKS = st.tuples(st.just("link"), NAMES | st.just(b"/etc") | st.just(b"../.."), st.just(0o777))
TREES = st.recursive(
    FILES | LINKS,
    lambda below: st.tuples(
        st.just("folder"), st.dictionaries(NAMES, below, max_size=4), st.integers(0, 0o1777)
    ),
    max_leaves=12,
)


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    tree=st.dictionaries(NAMES, TREES, max_size=5),
    format=st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]),
    shuffle=st.randoms(),
)
def test_any_tree_comes_back(tree, format, shuffle, tmp_path_factory) -> None:
    place = tmp_path_factory.mktemp("any")
    members, told = [], {}

    def tell(above: bytes, below: dict) -> None:
        for name, (kind, value, mode) in below.items():
            path = above + name
            text = os.fsdecode(path)
            when = len(told) * 1000
            if kind == "file":
                members.append(member(text, value, mode=mode, mtime=when))
                told[path] = (kind, mode, when, value)
            elif kind == "link":
                members.append(link(text, os.fsdecode(value), mtime=when))
                told[path] = (kind, mode, when, value)
            else:
                mode |= 0o700 if os.geteuid() else 0  # so that this test can look inside
                members.append(folder(text, mode, mtime=when))
                told[path] = (kind, mode, when, None)
                tell(path + b"/", value)

    tell(b"", tree)
    shuffle.shuffle(members)  # files may even come before their directories
    unpacked(archive(members, format), place)
    for path in sorted(told, reverse=True):
        kind, mode, when, value = told[path]
        full = os.path.join(os.fsencode(place), path)
        info = os.lstat(full)
        assert info.st_mtime == when
        if kind == "link":
            assert os.readlink(full) == value
        else:
            assert info.st_mode & 0o7777 == mode
        if kind == "file" and os.access(full, os.R_OK):
            with open(full, "rb") as file:
                assert file.read() == value
    files.remove_tree(str(place))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_no_order_of_hostile_members_leaves_the_root(data, tmp_path_factory) -> None:
    top = tmp_path_factory.mktemp("hostile")
    (top / "root").mkdir()
    (top / "outside").mkdir()
    (top / "outside/a").write_text("unhurt")
    before = snapshot(top / "outside")
    names = st.sampled_from(["a", "b", "a/a", "a/b", "b/a", "a/a/a", ".", "a/.", "b//a"])
    targets = st.sampled_from([str(top / "outside"), "../outside", "..", ".", "a", "b", "a/a", "/"])
    some = st.one_of(
        st.builds(member, names, st.just(b"bad")),
        st.builds(folder, names),
        st.builds(link, names, targets),
        st.builds(hard, names, targets | st.just("a/../../outside/a")),
    )
    try:
        unpacked(archive(data.draw(st.lists(some, min_size=2, max_size=8))), top / "root")
    except MinidockerError:
        pass
    assert snapshot(top / "outside") == before
    assert sorted(os.listdir(top)) == ["outside", "root"]
    files.remove_tree(str(top))
