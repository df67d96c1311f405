"""COPY and ADD without a container: what goes where, and what never leaves the context."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import tarfile
from pathlib import Path

import pytest

from minidocker.build.addition import Addition, Owner
from minidocker.build.copying import From, copy
from minidocker.build.ignore import Ignore
from minidocker.build.owners import owner
from minidocker.build.tree import Folder, Layers, resolve
from minidocker.build.wrong import BuildError

FILES = {
    "a.txt": "a", "b.txt": "b", "c.md": "c", "d/x": "x", "d/e/y": "y", "secret/key": "k",
    "node/m/z": "z", "node/keep": "keep",
}  # fmt: skip


def fill(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.fixture
def context(tmp_path: Path) -> Path:
    return fill(tmp_path / "context", FILES)


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    root = fill(tmp_path / "stage", {"etc/passwd": "joe:x:7:8::/:\n", "etc/group": "g:x:9:\n", "old": ""})
    (root / "run").mkdir()
    (root / "var").mkdir()
    os.symlink("../run", root / "var/run")
    os.symlink("/nowhere/deep", root / "dangling")
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)
    return root


def copied(
    context: Path, stage: Path, names: list[str], target: str, rules: str = "", chown: str = "",
    chmod: str = "",
) -> Addition:  # fmt: skip
    below = Layers([str(stage)])
    addition = Addition(below, owner(below, chown, chmod, 3), 3)
    copy(addition, From(Folder(str(context)), Ignore(rules), "the context", False), names, target)
    return addition


def files_of(addition: Addition) -> dict[str, str]:
    """Files and their contents, by the tar that comes out."""
    data = io.BytesIO(b"".join(addition.pieces()))
    with tarfile.open(fileobj=data) as tar:
        return {m.name: tar.extractfile(m).read().decode() for m in tar if m.isreg()}


@pytest.mark.parametrize(
    ("names", "target", "wanted"),
    [
        (["a.txt"], "/x", ["x"]),
        (["a.txt"], "/x/", ["x/a.txt"]),
        (["a.txt"], "/tmp", ["tmp/a.txt"]),
        (["a.txt"], "/n/m/o", ["n/m/o"]),
        (["a.txt", "b.txt"], "/x/", ["x/a.txt", "x/b.txt"]),
        (["*.txt"], "/x/", ["x/a.txt", "x/b.txt"]),
        (["c.md", "yarn.lock*"], "/x/", ["x/c.md"]),
        (["zz*", "d/z?/*"], "/x/", []),
        (["[ab].txt", "c.md"], "/x/", ["x/a.txt", "x/b.txt", "x/c.md"]),
        (["d"], "/x", ["x/e/y", "x/x"]),
        (["d/"], "/x/", ["x/e/y", "x/x"]),
        (["*/e"], "/x/", ["x/y"]),
        (["d/e", "a.txt"], "/x/", ["x/a.txt", "x/y"]),
        (["../../a.txt"], "/x", ["x"]),
        (["/a.txt"], "/x", ["x"]),
        (["d/../a.txt"], "/x", ["x"]),
        (["a.txt"], "/var/run/x", ["run/x"]),
        (["a.txt"], "/var/run/", ["run/a.txt"]),
        (["a.txt"], "/dangling", ["nowhere/deep"]),
        (["a.txt"], "/old", ["old"]),
        (["a.txt"], "/../../x", ["x"]),
    ],
)
def test_what_goes_where(
    context: Path, stage: Path, names: list[str], target: str, wanted: list[str]
) -> None:
    assert sorted(files_of(copied(context, stage, names, target))) == wanted


@pytest.mark.parametrize(
    ("rules", "names", "wanted"),
    [
        ("secret", ["."], ["a.txt", "b.txt", "c.md", "d/e/y", "d/x", "node/keep", "node/m/z"]),
        ("*\n!d/e", ["."], ["d/e/y"]),
        ("**/*.txt\nnode\n!node/keep\nsecret", ["."], ["c.md", "d/e/y", "d/x", "node/keep"]),
        ("a.txt", ["*.txt"], ["b.txt"]),
        ("d/e", ["d"], ["x"]),
    ],
)
def test_what_is_ignored_is_not_copied(
    context: Path, stage: Path, rules: str, names: list[str], wanted: list[str]
) -> None:
    found = files_of(copied(context, stage, names, "/x/", rules))
    assert sorted(found) == [f"x/{name}" for name in wanted]


@pytest.mark.parametrize(
    ("names", "target", "rules", "says"),
    [
        (["no"], "/x", "", "the context has no no"),
        (["no", "*.txt"], "/x/", "", "the context has no no"),
        (["a.txt"], "/x", "a.txt", "the context has no a.txt"),
        (["a.txt"], "/x", "*\n!d/e", "the context has no a.txt"),
        (["to-secret"], "/x", "secret", "the context has no to-secret"),
        (["to-secret"], "/x", "secret\n!secret/no", "the context has no to-secret"),
        (["a.txt", "b.txt"], "/x", "", "cannot all become"),
        (["d"], "/old", "", "is no directory"),
        (["a.txt"], "/old/x", "", "is no directory"),
    ],
)
def test_what_cannot_be_copied_is_said_with_its_line(
    context: Path, stage: Path, names: list[str], target: str, rules: str, says: str
) -> None:
    os.symlink("secret/key", context / "to-secret")
    with pytest.raises(BuildError, match=says) as caught:
        copied(context, stage, names, target, rules)
    assert caught.value.line == 3


def test_links_never_leave_the_context(context: Path, stage: Path, tmp_path: Path) -> None:
    fill(tmp_path, {"outside": "no", "context/etc/outside": "inside"})
    os.symlink("/etc/outside", context / "abs")
    os.symlink("../../outside", context / "d/rel")
    os.symlink("..", context / "up")
    assert files_of(copied(context, stage, ["abs"], "/x")) == {"x": "inside"}
    with pytest.raises(BuildError, match="has no d/rel"):
        copied(context, stage, ["d/rel"], "/x")
    with pytest.raises(BuildError, match="has no up/outside"):
        copied(context, stage, ["up/outside"], "/x")
    whole = copied(context, stage, ["d"], "/x/")  # inside a directory a link stays a link
    assert whole.entries[(b"x", b"rel")].member.link == b"../../outside"


def test_a_link_gives_its_own_name_and_what_it_leads_to(context: Path, stage: Path) -> None:
    (context / "other").mkdir()
    os.symlink("a.txt", context / "ln")
    os.symlink("../a.txt", context / "other/ln2")
    for names in (["ln"], ["l?"], ["ln", "other/ln2"]):
        told = files_of(copied(context, stage, names, "/x/"))
        assert told == {f"x/{name.replace('?', 'n').rpartition('/')[2]}": "a" for name in names}
    assert files_of(copied(context, stage, ["ln"], "/y")) == {"y": "a"}


def test_a_link_round_is_refused(context: Path, stage: Path) -> None:
    os.symlink("loop", context / "loop")
    with pytest.raises(BuildError, match="too many symbolic links"):
        copied(context, stage, ["loop"], "/x")


def test_a_directory_that_becomes_a_link_meanwhile_is_no_way_out(
    context: Path, stage: Path, tmp_path: Path
) -> None:
    fill(tmp_path, {"host/x": "no"})
    addition = copied(context, stage, ["d"], "/x/")
    (context / "d").rename(context / "old")
    os.symlink(tmp_path / "host", context / "d")
    addition.entries[(b"x", b"x")].tree.names(())  # else the old directory is still open
    with pytest.raises(OSError, match=r"links|directory"):
        b"".join(addition.pieces())


def test_a_file_that_becomes_another_meanwhile_is_refused(context: Path, stage: Path) -> None:
    addition = copied(context, stage, ["a.txt"], "/x")
    (context / "a.txt").write_text("longer")
    with pytest.raises(BuildError, match="changed while it was read"):
        b"".join(addition.pieces())


def test_directories_of_the_stage_keep_owner_and_mode(context: Path, stage: Path) -> None:
    found = copied(context, stage, ["a.txt"], "/tmp/n/x", chown="joe").entries
    assert found[(b"tmp",)].member.mode == 0o1777
    assert (found[(b"tmp",)].member.uid, found[(b"tmp", b"n")].member.uid) == (os.geteuid(), 7)


@pytest.mark.parametrize(
    ("chown", "ids"),
    [("", (0, 0)), ("5", (5, 5)), ("5:6", (5, 6)), ("joe", (7, 8)), ("joe:g", (7, 9)), ("5:g", (5, 9))],
)
def test_chown(context: Path, stage: Path, chown: str, ids: tuple[int, int]) -> None:
    member = copied(context, stage, ["a.txt"], "/x", chown=chown).entries[(b"x",)].member
    assert (member.uid, member.gid) == ids


@pytest.mark.parametrize(("chown", "chmod"), [("ann", ""), ("1:no", ""), ("", "u+q"), ("", "+x,"), ("", "99999")])
def test_owners_and_modes_that_are_none(context: Path, stage: Path, chown: str, chmod: str) -> None:
    with pytest.raises(BuildError):
        copied(context, stage, ["a.txt"], "/x", chown=chown, chmod=chmod)


@pytest.mark.parametrize(
    "text",
    ["+x", "u+x,go-rwx", "a=rX", "g=u", "u=rwxs,g+s", "o=", "+t", "ug=rw,o=r", "-w+x", "u-s,g-s", "go=u", "0755"],
)
@pytest.mark.parametrize("mode", [0o644, 0o600, 0o751, 0o6755])
@pytest.mark.parametrize("is_directory", [False, True])
def test_modes_are_those_of_chmod(tmp_path: Path, stage: Path, text: str, mode: int, is_directory: bool) -> None:
    one = tmp_path / "one"
    one.mkdir() if is_directory else one.touch()
    one.chmod(mode)
    subprocess.run(["chmod", text, one], check=True, umask=0)
    changed = owner(Folder(str(stage)), "", text, 1).mode
    assert changed
    special = 0 if not is_directory else 0o6000  # which chmod(1) keeps for directories, unless told
    assert changed(mode, is_directory) | special == stat.S_IMODE(one.stat().st_mode) | special


def test_chmod_is_for_all_but_links(context: Path, stage: Path) -> None:
    os.symlink("x", context / "d/l")
    found = copied(context, stage, ["d"], "/x/", chmod="640").entries
    assert {stat.S_ISLNK(e.member.kind): e.member.mode for p, e in found.items() if len(p) > 1} == {
        False: 0o640, True: 0o777,
    }  # fmt: skip


def test_the_fingerprint_is_of_content_and_not_of_times(context: Path, stage: Path) -> None:
    first = copied(context, stage, ["d"], "/x/").fingerprint()
    os.utime(context / "d/x", (1, 1))
    assert copied(context, stage, ["d"], "/x/").fingerprint() == first
    (context / "d/x").write_text("X")
    assert copied(context, stage, ["d"], "/x/").fingerprint() != first


def test_no_time_is_later_than_asked_for(context: Path, stage: Path) -> None:
    below = Layers([str(stage)])
    addition = Addition(below, Owner(), 1, newest=5)
    copy(addition, From(Folder(str(context)), Ignore(), "the context", False), ["a.txt"], "/x")
    assert addition.entries[(b"x",)].member.mtime == 5


def test_layers_are_seen_as_one_tree(tmp_path: Path) -> None:
    lower = fill(tmp_path / "lower", {"a/x": "1", "a/y": "1", "b": "1"})
    upper = fill(tmp_path / "upper", {"a/x": "2", "a/z": "2"})
    tree = Layers([str(lower), str(upper)])
    assert tree.names(()) == [b"a", b"b"]
    assert tree.names((b"a",)) == [b"x", b"y", b"z"]
    fd = tree.open((b"a", b"x"))
    assert os.read(fd, 9) == b"2"
    os.close(fd)
    with pytest.raises(FileNotFoundError):
        tree.look((b"a", b"no"))


@pytest.mark.parametrize(
    ("text", "wanted"), [("/var/run/x", "run/x"), ("var/run/../y", "y"), ("/../a/./b", "a/b"), ("/", "")]
)
def test_resolve(stage: Path, text: str, wanted: str) -> None:
    assert b"/".join(resolve(Layers([str(stage)]), text, 1)) == wanted.encode()
