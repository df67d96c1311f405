"""The parts of `cp`: words, places, trees and owners; and a race that no link may win."""

from __future__ import annotations

import contextlib
import os
import stat
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from minidocker.engine.copying import local_place, local_source
from minidocker.engine.root_of import HERE, Owners, Place
from minidocker.engine.sink import Sink
from minidocker.engine.tree import Tree
from minidocker.errors import Conflict, MinidockerError, UsageError
from minidocker.kernel.linux import Linux
from minidocker.verbs import cp


@pytest.fixture
def opened() -> Callable[[Path], int]:
    """Open directories, and close them in the end."""
    found = []

    def open_one(path: Path) -> int:
        found.append(os.open(path, os.O_RDONLY | os.O_DIRECTORY))
        return found[-1]

    yield open_one
    for fd in found:
        os.close(fd)


def test_which_word_is_a_container_s() -> None:
    assert cp.split("box:/x") == ("box", "/x") and cp.split("box:x:y") == ("box", "x:y")
    for word in ("x", "./a:b", "/c:d", "-", ":x", "../a:b"):
        assert cp.split(word) == ("", word)
    for words, said in (
        (["a:/x", "b:/y"], "copying between containers is not supported"),
        (["x", "y"], "must specify at least one container source"),
        (["x", "a:"], "path cannot be empty"),
    ):
        with pytest.raises(UsageError) as found:
            cp.main(words)
        assert found.value.docker == said


def test_places_of_ours(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "f").touch()
    (tmp_path / "to_d").symlink_to("d")
    t = str(tmp_path)
    assert local_place(f"{t}/d", "x", False) == (f"{t}/d", "x")
    assert local_place(f"{t}/new", "x", True) == local_place(f"{t}/new/", "x", True) == (t, "new")
    assert local_place(f"{t}/f", "x", False) == (t, "f")
    for target, directory in ((f"{t}/new/", False), (f"{t}/f", True), (f"{t}/none/x", False)):
        with pytest.raises(MinidockerError):
            local_place(target, "x", directory)
    assert local_source(f"{t}/d", False) == (t, "d", "d")
    assert local_source(f"{t}/d/", False) == (f"{t}/d/", ".", "d")
    assert local_source(f"{t}/d/.", False)[1:] == (".", ".")
    assert local_source(f"{t}/to_d", False) == (t, "to_d", "to_d")
    assert local_source(f"{t}/to_d", True) == (t, "d", "to_d")
    for path in (f"{t}/none", f"{t}/f/"):
        with pytest.raises(MinidockerError):
            local_source(path, False)


def test_places_of_a_container(tmp_path: Path, opened: Callable) -> None:
    (tmp_path / "root/etc").mkdir(parents=True)
    (tmp_path / "root/etc/x").touch()
    (tmp_path / "root/out").symlink_to("/etc")
    (tmp_path / "root/up").symlink_to("../../../etc/x")
    (tmp_path / "root/loop").symlink_to("loop")
    (tmp_path / "root/new").symlink_to("/etc/new")
    root = opened(tmp_path / "root")

    def where(path: str) -> str:
        place = Place(root, path)
        found = os.readlink(f"/proc/self/fd/{place.parent}") + "/" + place.name
        os.close(place.parent)
        return found.removeprefix(f"{tmp_path}/") + ("" if place.info else " (new)")

    for path, found in (
        ("/", "root/."), ("etc", "root/etc"), ("/etc/x", "root/etc/x"), ("out/x", "root/etc/x"),
        ("up", "root/etc/x"), ("../../../etc/x", "root/etc/x"), ("etc/..", "root/."),
        ("out/../etc/", "root/etc"), ("new", "root/etc/new (new)"), ("none", "root/none (new)"),
    ):  # fmt: skip
        assert where(path) == found, path
    with pytest.raises(Conflict):
        Place(root, "loop")
    with pytest.raises(FileNotFoundError):
        Place(root, "none/x")


def test_a_tree_is_a_tar_archive(tmp_path: Path, opened: Callable) -> None:
    (tmp_path / "t/d").mkdir(parents=True)
    (tmp_path / "t/f").write_bytes(b"x" * 1000)
    os.link(tmp_path / "t/f", tmp_path / "t/d/again")
    (tmp_path / "t/l").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "t/p")
    with open(tmp_path / "t/sparse", "wb") as stream:
        stream.truncate(5 << 20)
        stream.seek(4 << 20)
        stream.write(b"end")
    tree = Tree(opened(tmp_path), "t", "called", Linux().filesystem)
    with open(tmp_path / "t.tar", "wb") as out:
        out.writelines(tree.tar(lambda member: None))
    with tarfile.open(tmp_path / "t.tar") as found:
        got = {member.name: member for member in found}
        names = [
            "called",
            "called/d",
            "called/d/again",
            "called/f",
            "called/l",
            "called/p",
            "called/sparse",
        ]
        assert list(got) == names
        assert found.extractfile("called/f").read() == b"x" * 1000
        assert found.extractfile("called/sparse").read()[4 << 20 :][:3] == b"end"
    assert got["called/l"].linkname == "/etc/passwd" and got["called/f"].islnk()
    assert os.path.getsize(tmp_path / "t.tar") < 1 << 20
    made = tmp_path / "made"
    made.mkdir()
    Sink(opened(made), "made", lambda member: member).put(
        Tree(opened(tmp_path), "t", "n", Linux().filesystem)
    )
    assert (made / "n/sparse").stat().st_size == 5 << 20 and (made / "n/f").stat().st_nlink == 2
    assert stat.S_ISFIFO((made / "n/p").stat().st_mode)


def test_owners_on_the_disk_and_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = {"uid_map": "0 100000 1000\n1000 5 1\n", "gid_map": "0 200000 10\n"}
    record = {"spec": {"linux": {"ids": ids}}}
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    owners = Owners(record)
    assert owners.on_disk(0, 0) == (100000, 200000) and owners.on_disk(1000, 9) == (5, 200009)
    assert owners.on_disk(4000, 10) == (100000, 200000)  # it has no place inside: root's
    assert owners.inside(100001, 200001) == (1, 1) and owners.inside(0, 0) == (65534, 65534)
    assert Owners({}).on_disk(7, 8) == (7, 8)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)  # whose namespace does it by itself
    assert Owners(record).on_disk(7, 8) == (7, 8)


def test_who_changes_a_directory_for_a_link_meanwhile_wins_nothing(
    tmp_path: Path, opened: Callable
) -> None:
    """A directory becomes a link to the host's and back, as fast as a thread can."""
    root, host, source = (tmp_path / name for name in ("root", "host", "source"))
    for folder in (root / "d", host, source / "d"):
        folder.mkdir(parents=True)
    (source / "d/x").write_text("x")
    ended = threading.Event()

    def swap() -> None:
        number = 0
        while not ended.is_set():
            number += 1
            with contextlib.suppress(OSError):  # the copy has made it anew
                os.rename(root / "d", root / f"aside{number}")
            with contextlib.suppress(OSError):
                os.symlink(host, root / "d")
            with contextlib.suppress(OSError):
                os.unlink(root / "d")
                os.mkdir(root / "d")

    enemy = threading.Thread(target=swap)
    enemy.start()
    top = opened(root)
    outcomes = set()
    try:
        for _ in range(200):
            try:
                place = Place(top, "d")
                fd = os.open(place.name, HERE & ~os.O_PATH | os.O_NOFOLLOW, dir_fd=place.parent)
                Sink(fd, "root", lambda m: m).put(
                    Tree(opened(source / "d"), "x", "x", Linux().filesystem)
                )
                Sink(top, "root", lambda m: m).put(
                    Tree(opened(source), "d", "d", Linux().filesystem)
                )
                os.close(fd)
                outcomes.add("done")
            except (OSError, MinidockerError) as problem:
                outcomes.add(type(problem).__name__)
            assert not os.listdir(host)
    finally:
        ended.set()
        enemy.join()
    assert not os.listdir(host) and outcomes
