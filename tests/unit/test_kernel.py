"""The seam itself: flags in words, calls as told, errors that say what to do."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from minidocker.errors import KernelError
from minidocker.kernel import flags as f
from minidocker.kernel import linux_files, linux_targets, named
from minidocker.kernel.calls import Calls
from minidocker.kernel.interface import Kernel
from minidocker.kernel.linux import Linux
from minidocker.kernel.trace import (
    METHODS,
    QUIET,
    SHELL,
    Pretend,
    Traced,
    mount_command,
    quote,
    spell,
)

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("value", "prefix", "expected"),
    [
        (f.MS_BIND | f.MS_REC, "MS_", "MS_BIND|MS_REC"),
        (0, "MS_", "0"),
        (f.CLONE_NEWPID, "CLONE_", "CLONE_NEWPID"),
        (f.MS_BIND | 1 << 30, "MS_", "MS_BIND|0x40000000"),
    ],
)
def test_names(value: int, prefix: str, expected: str) -> None:
    assert f.names(value, prefix) == expected


def test_every_call_of_the_seam_is_done_by_linux_and_documented() -> None:
    for name in METHODS:
        function = getattr(Kernel, name)
        assert getattr(Linux, name) is not function, name
        assert function.__doc__, name


def test_every_call_is_told_or_is_quiet() -> None:
    """What has no shell command is told by its own name, and is listed here."""
    assert METHODS - set(SHELL) - QUIET == BY_NAME
    assert not set(SHELL) & QUIET - {"read"}


BY_NAME = {"fchown", "filter_tap", "fork", "prctl", "reserve", "setrlimit"}


def test_a_call_is_named_as_its_man_page_is() -> None:
    """Its own page is the last thing that its description names: "… unshare(2)"."""
    for name, function in vars(Calls).items():
        if not name.startswith("_"):
            pages = re.findall(r"\b_?([a-z0-9_]+)\(2\)", function.__doc__)
            assert name in pages or PAGES.get(name) in pages, (name, pages)


PAGES = {"clone": "clone3"}  # described on clone's page, and the call that is made


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (("proc", "/proc", "proc", f.MS_NOSUID | f.MS_NODEV, ""), "mount -t proc -o nosuid,nodev proc /proc"),
        (("", "/", "", f.MS_REC | f.MS_PRIVATE, ""), "mount --make-rprivate /"),
        (("/a", "/b c", "", f.MS_BIND | f.MS_REC, ""), "mount --rbind /a '/b c'"),
        (("", "/b", "", f.MS_REMOUNT | f.MS_BIND | f.MS_RDONLY, ""), "mount -o remount,bind,ro /b"),
    ],
)  # fmt: skip
def test_mount_as_a_command(args: tuple, expected: str) -> None:
    assert mount_command(*args) == expected


def test_quote() -> None:
    assert quote("a'b") == "'a'\"'\"'b'"
    assert quote("") == "''"
    assert quote("/plain/path-1.x") == "/plain/path-1.x"


def test_traced_tells_before_it_does_and_uses_the_kernels_spelling() -> None:
    told: list[tuple[str, str]] = []
    pretend = Pretend()
    kernel = Traced(pretend, lambda method, call, shell, args: told.append((call, shell)))
    kernel.unshare(f.CLONE_NEWPID | f.CLONE_NEWNS)
    kernel.write("/x", "50%\n")
    kernel.mount("proc", kernel.target("/root", "/proc"), "proc")
    assert told == [
        ("unshare(CLONE_NEWNS|CLONE_NEWPID)", "unshare --mount --pid --fork …"),
        ('write("/x", "50%\\n")', "printf '50%%\\n' > /x"),
        ('openat2("/root", "/proc")', "mkdir -p /root/proc"),
        ('mount("proc", "/root/proc", "proc")', "mount -t proc proc /root/proc"),
    ]
    assert [name for name, _ in pretend.calls] == ["unshare", "write", "target", "mount"]


def test_a_bind_in_one_is_told_as_the_command_that_does_the_same() -> None:
    told: list[str] = []
    kernel = Traced(Pretend(), lambda method, call, shell, args: told.extend((call, shell)))
    kernel.bind_tree("/a b", "/c", f.MOUNT_ATTR_RDONLY | f.MOUNT_ATTR_NODEV)
    kernel.bind_tree("/a", "/c", 0)
    assert told[:2] == [
        'open_tree+mount_setattr+move_mount("/a b", "/c", MOUNT_ATTR_RDONLY|MOUNT_ATTR_NODEV)',
        "mount --rbind -o ro=recursive,nodev=recursive '/a b' /c",
    ]
    assert told[3] == "mount --rbind /a /c"


def test_spell_kill_names_the_signal() -> None:
    assert spell("kill", (7, 9)) == "kill(7, SIGKILL)"
    assert spell("prctl", (f.PR_SET_PDEATHSIG, 9)) == "prctl(PR_SET_PDEATHSIG, SIGKILL)"
    assert spell("prctl", (f.PR_SET_CHILD_SUBREAPER, 1)) == "prctl(PR_SET_CHILD_SUBREAPER, 1)"


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EACCES, errno.EAGAIN, errno.EIO])
def test_an_error_of_pythons_keeps_its_class_and_gets_words(number: int) -> None:
    problem = OSError(number, os.strerror(number), "/x")
    made = named.named_error("mkdir", problem, ())
    assert isinstance(made, KernelError) and isinstance(made, type(problem))
    assert str(made) == f"mkdir(2) on /x: {errno.errorcode[number]}, {os.strerror(number)}"
    assert named.named_error("open", made, ()) is made


def test_a_refused_call_names_itself_its_path_and_a_remedy(tmp_path) -> None:
    with pytest.raises(KernelError) as problem:
        Linux().umount2(str(tmp_path))
    text = str(problem.value)
    assert text.startswith(f"umount2(2) on {tmp_path}: E")
    assert problem.value.errno in (errno.EINVAL, errno.EPERM)
    assert problem.value.remedy


def test_files(tmp_path) -> None:
    kernel = Linux()
    path = f"{tmp_path}/x"
    kernel.write(path, "long text")
    kernel.write(path, "short")
    assert kernel.read(path) == "short"
    kernel.mkdir(f"{tmp_path}/d")
    kernel.symlink("x", f"{tmp_path}/d/link")
    kernel.remove_tree(str(tmp_path))
    kernel.remove_tree(str(tmp_path))
    assert not tmp_path.exists()


@pytest.mark.parametrize("kind", ["dir", "file"])
def test_target_stays_beneath_the_root(tmp_path, kind: str) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / "data").symlink_to(outside)
    (root / "up").symlink_to("../../outside")
    kernel = Linux()
    for path in ("/data/deep/x", "/up/deep/y", "/../../outside/z"):
        kernel.target(str(root), path, kind)
    assert list(outside.iterdir()) == []
    assert (root / str(outside).strip("/") / "deep/x").exists()  # a link leads on inside the root
    assert (root / "outside/deep/y").exists()
    assert (root / "outside/z").exists()


def test_target_follows_a_link_to_nothing_but_no_circle(tmp_path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/resolv.conf").symlink_to("../run/stub.conf")
    (tmp_path / "round").symlink_to("round")
    kernel = Linux()
    kernel.target(str(tmp_path), "/etc/resolv.conf", "file")
    assert (tmp_path / "run/stub.conf").is_file()
    with pytest.raises(KernelError) as caught:
        kernel.target(str(tmp_path), "/round/x")
    assert caught.value.errno == errno.ELOOP


def test_a_tree_of_any_depth_is_removed(tmp_path) -> None:
    """Deeper than Python's stack and longer than any path may be."""
    fd = os.open(tmp_path, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("deep", dir_fd=fd)
        below = os.open("deep", os.O_RDONLY, dir_fd=fd)
        os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=below))
        os.close(fd)
        fd = below
    os.close(fd)
    Linux().remove_tree(str(tmp_path))
    assert not tmp_path.exists()


def test_only_an_ordinary_file_is_read(tmp_path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", tmp_path, "/dev/zero"):
        with pytest.raises(KernelError):
            Linux().read(str(path))


def test_what_was_renamed_meanwhile_is_looked_up_again(
    tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """openat2(2): EAGAIN when anything on the machine was renamed or mounted in between."""
    real, refusals = linux_targets.call, [errno.EAGAIN] * 3

    def call(name: str, *args: object, path: str = "") -> int:
        if refusals:
            raise KernelError(name, refusals.pop(), path)
        return real(name, *args, path=path)

    monkeypatch.setattr(linux_targets, "call", call)
    assert Linux().kind(Linux().target(str(tmp_path), "/a/../b")) == "dir"
    assert not refusals and (tmp_path / "b").is_dir()
    refusals[:] = [errno.EAGAIN] * 1000  # not for ever
    with pytest.raises(KernelError) as caught:
        Linux().target(str(tmp_path), "/b")
    assert caught.value.errno == errno.EAGAIN


@pytest.mark.needs("root", "mntns")
@pytest.mark.parametrize("kind", ["--bind kept", "-t tmpfs none"])
def test_what_is_mounted_is_not_removed(tmp_path, kind: str) -> None:
    """Neither what another file system has there, nor a directory of the same one."""
    for name in ("kept/file", "tree/a/point/below"):
        (tmp_path / name).mkdir(parents=True)
    script = (
        f"cd {tmp_path} && mount {kind} tree/a/point && mkdir -p tree/a/point/file && "
        f"{sys.executable} -c 'from minidocker.kernel.linux import Linux; Linux().remove_tree(\"tree\")';"
        "find tree -name file"
    )
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, timeout=30,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    assert "something is mounted there" in done.stderr and "/file" in done.stdout, done
    assert (tmp_path / "kept/file").exists()


def test_what_is_exchanged_while_it_is_removed_leads_nowhere(
    tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A directory becomes a link after each call: whoever has the tree, too, could do that."""
    outside, tree = tmp_path / "outside", tmp_path / "tree"
    (outside / "sub").mkdir(parents=True)
    (outside / "file").touch()
    (tree / "a/b/c").mkdir(parents=True)
    (tree / "a/file").touch()
    real = linux_files._removed

    def exchanged(name: str, parent: int, path: str) -> bool:
        answer = real(name, parent, path)
        if not answer:
            os.rename(name, f"{name}-away", src_dir_fd=parent, dst_dir_fd=parent)
            os.symlink(outside, name, dir_fd=parent)
        return answer

    monkeypatch.setattr(linux_files, "_removed", exchanged)
    with contextlib.suppress(KernelError):
        Linux().remove_tree(str(tree))
    assert sorted(os.listdir(outside)) == ["file", "sub"]
    monkeypatch.undo()
    (tmp_path / "link").symlink_to(outside)
    with pytest.raises(KernelError):
        Linux().remove_tree(str(tmp_path / "link"))
    assert sorted(os.listdir(outside)) == ["file", "sub"]


@pytest.mark.needs("root")
def test_owners_are_shifted_once_below_first_and_through_no_link(tmp_path) -> None:
    (tmp_path / "tree/sub").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/file").write_text("")
    (tmp_path / "tree/link").symlink_to(tmp_path / "outside")
    (tmp_path / "tree/sub/tool").write_text("")
    os.chown(tmp_path / "tree/sub/tool", 7, 8)
    os.chmod(tmp_path / "tree/sub/tool", 0o4755)
    order = []
    real = os.chown

    def chown(name: str, *args: object, **more: object) -> None:
        order.append(os.path.basename(name))
        real(name, *args, **more)

    named.os.__dict__["chown"] = chown
    try:
        for _ in range(2):
            Linux().shift_owners(str(tmp_path / "tree"), 100_000, 200_000)
    finally:
        del named.os.__dict__["chown"]
    assert order[0] == "tool" and sorted(order[1:3]) == ["link", "sub"] and order[3:] == ["tree"]
    found = {one: os.lstat(tmp_path / one) for one in ("tree", "tree/link", "tree/sub/tool", "outside", "outside/file")}
    assert [(one.st_uid, one.st_gid) for one in found.values()] == [
        (100_000, 200_000), (100_000, 200_000), (100_007, 200_008), (0, 0), (0, 0)]  # fmt: skip
    assert found["tree/sub/tool"].st_mode & 0o7777 == 0o4755
    file = tmp_path / "outside/file"
    Linux().shift_owners(str(file), 5, 6)
    assert (file.stat().st_uid, file.stat().st_gid) == (5, 6)
