"""The seam itself: flags in words, calls as told, errors that say what to do."""

from __future__ import annotations

import errno

import pytest

from minidocker.errors import KernelError
from minidocker.kernel import flags as f
from minidocker.kernel.interface import Kernel
from minidocker.kernel.linux import Linux
from minidocker.kernel.trace import Pretend, Traced, mount_command, quote, spell


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
    for name, function in vars(Kernel).items():
        if not name.startswith("_"):
            assert name in vars(Linux), name
            assert function.__doc__, name


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


def test_spell_kill_names_the_signal() -> None:
    assert spell("kill", (7, 9)) == "kill(7, SIGKILL)"
    assert spell("prctl", (f.PR_SET_PDEATHSIG, 9)) == "prctl(PR_SET_PDEATHSIG, SIGKILL)"
    assert spell("prctl", (f.PR_SET_CHILD_SUBREAPER, 1)) == "prctl(PR_SET_CHILD_SUBREAPER, 1)"


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
    for path in ("/data/deep/x", "/up/deep/x", "/../../outside/y"):
        with pytest.raises(KernelError) if path.startswith(("/data", "/up")) else _no_error():
            kernel.target(str(root), path, kind)
    assert list(outside.iterdir()) == []


class _no_error:
    def __enter__(self) -> None: ...
    def __exit__(self, *args: object) -> None: ...
