"""What cannot be told or made ends the run: no wall is left out in silence."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from minidocker.chamber import cell_needs
from minidocker.errors import Blocked, KernelError, MinidockerError
from minidocker.kernel.linux import Linux
from minidocker.kernel.named import os as named
from minidocker.kernel.trace import Pretend
from minidocker.runtime.failure import failure
from minidocker.spec import ids
from minidocker.spec.ids import has_group
from minidocker.spec.spec import Hardening, Mount, Process, Root, Run, Spec
from minidocker.stages.identity import Identity
from minidocker.stages.masks import MASKED, Masks
from minidocker.stages.mounts import Mounts


def run_of(**more: object) -> Run:
    stages = ["mounts", "masks", "network", "ipc", "rootfs"]
    spec = Spec(process=Process(args=["x"], env=[], cwd="/", user=""), root=Root(path="", layers=["/l"]),
                mounts=more.pop("mounts", []), stages=stages, linux=Hardening(), sharing={})  # fmt: skip
    return Run(id="x", directory="/d", root="/r", facts={}, spec=spec)


def failing(method: str, number: int, wanted: Callable[[str], bool] = lambda path: True) -> Pretend:
    """A kernel that refuses one call on some paths, and pretends all the others."""

    class Failing(Pretend):
        pass

    def refuse(self: Pretend, path: str, *rest: object) -> object:
        if wanted(path):
            raise KernelError(f"{method}(2)", number, path)
        return {"kind": "file", "device": (1, 3), "read": "", "filesystem": "", "superblock": 0}[
            method
        ]

    setattr(Failing, method, refuse)
    return Failing()


@pytest.mark.parametrize(
    "number", [errno.EIO, errno.EACCES, errno.ENOMEM, errno.ELOOP, errno.EMFILE]
)
@pytest.mark.parametrize("path", [*MASKED, "/proc/sys", "/proc/sysrq-trigger"])
def test_a_path_to_be_masked_of_which_nothing_can_be_told(path: str, number: int) -> None:
    kernel = failing("kind", number, lambda asked: asked == path)
    with pytest.raises(KernelError) as told:
        Masks().inside(kernel, run_of())
    assert told.value.filename == path


@pytest.mark.parametrize("seen", [(1, 5), (8, 0), (0, 0)])
def test_only_the_device_1_3_hides_anything(seen: tuple[int, int]) -> None:
    class Other(Pretend):
        def device(self, path: str) -> tuple[int, int]:
            return seen

    kernel = Other()
    with pytest.raises(MinidockerError, match="not the device 1:3"):
        Masks().inside(kernel, run_of())
    assert not [call for call in kernel.calls if call[0] == "mount"]


def test_a_node_of_dev_that_is_another_device_stays_dead() -> None:
    class Disk(Pretend):
        def device(self, path: str) -> tuple[int, int]:
            return (1, 3) if path.startswith("/proc/self/fd/") else (8, 0)

    kernel = Disk()
    Masks.deaden_nodes(kernel, ["/"])
    assert [call[0] for call in kernel.calls if call[0] == "mount"] == []


def test_a_volume_is_nodev_before_it_is_mounted() -> None:
    for read_only in (False, True):
        kernel = Pretend()
        volume = Mount(source="/v", destination="/data", type="bind", readonly=read_only, options="dir")
        Mounts().inside(kernel, run_of(mounts=[volume]))
        asked = [args for name, args in kernel.calls if name == "bind_tree"]
        assert asked == [("/v", "/r/data", 2 | 4 | read_only)]


def test_a_volume_is_nodev_from_its_first_moment_on() -> None:
    class Theirs(Mounts):
        origin = {"bind": "mine.py"}

    kernel = Pretend()
    volume = Mount(source="/v", destination="/data", type="bind", readonly=False, options="dir")
    Theirs().inside(kernel, run_of(mounts=[volume]))
    names = [(name, args[0]) for name, args in kernel.calls if name in ("mount", "mount_setattr")]
    place = names.index(("mount", "/v"))
    assert names[place + 1] == ("mount_setattr", "/r/data")
    attributes = next(
        a for name, a in kernel.calls if name == "mount_setattr" and a[0] == "/r/data"
    )
    assert attributes == ("/r/data", 2 | 4, True)


@pytest.mark.parametrize(
    ("path", "seen"), [("/r/proc", "tmpfs"), ("/r/sys", "proc"), ("/r/proc", "0xef53")]
)
def test_a_proc_that_is_none_is_seen(path: str, seen: str) -> None:
    class Led(Pretend):
        def filesystem(self, asked: str) -> str:
            return seen if asked == path else {"/r/proc": "proc", "/r/sys": "sysfs"}.get(asked, "")

    with pytest.raises(MinidockerError, match=f"but {seen}"):
        Mounts().inside(Led(), run_of())


@pytest.mark.parametrize("path", ["/sys", "/dev/mqueue"])
def test_the_hosts_file_system_in_place_of_ones_own(path: str) -> None:
    class Shown(Pretend):
        def superblock(self, asked: str) -> int:
            return 7 if asked.endswith(path) else len(asked)

    with pytest.raises(MinidockerError, match="would be the host's"):
        Mounts().inside(Shown(), run_of())
    shared = run_of()
    shared.spec.sharing = {"net": "host", "ipc": "host"}
    Mounts().inside(Shown(), shared)


@pytest.mark.parametrize(("gid_map", "wanted"), [("0 1000 1\n", False), ("0 0 4294967295\n", True),
                                                 ("0 1000 1\n1 100000 65536\n", True), ("", False)])  # fmt: skip
def test_terminals_lose_their_group_only_where_there_is_none(gid_map: str, wanted: bool) -> None:
    assert has_group(gid_map, 5) is wanted

    class NoGroup(Pretend):
        def mount(
            self, source: str, target: str, fstype: str = "", flags: int = 0, data: str = ""
        ) -> None:
            if "gid=5" in data:
                raise KernelError("mount(2)", errno.EINVAL, target)

        def read(self, path: str) -> str:
            return gid_map

    kernel = NoGroup()
    if wanted:
        with pytest.raises(KernelError):
            Mounts.make_dev(kernel, "/r")
    else:
        Mounts.make_dev(kernel, "/r")


@pytest.mark.parametrize("file", ["/etc/passwd", "/etc/group"])
@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES, errno.EMFILE, errno.ENOMEM])
def test_names_that_could_not_be_read_give_no_other_home(file: str, number: int) -> None:
    kernel = failing("read", number, lambda asked: asked == file)
    with pytest.raises(KernelError, match=file):
        Identity().inside(kernel, run_of())


def test_the_kernel_says_nothing_is_there_only_when_it_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = Linux()
    (tmp_path / "file").write_text("")
    assert (kernel.kind(str(tmp_path)), kernel.kind(f"{tmp_path}/file")) == ("dir", "file")
    assert kernel.kind(f"{tmp_path}/none") == kernel.kind(f"{tmp_path}/file/none") == ""
    assert kernel.device("/dev/null") == (1, 3)
    assert kernel.device("/dev/fd") == kernel.device(str(tmp_path)) == (0, 0)
    assert kernel.filesystem("/proc") == "proc"
    os.symlink("/dev/null", tmp_path / "link")
    assert kernel.device(f"{tmp_path}/link") == (0, 0)  # a link is not the device

    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(named, "stat", refused)
    for ask in (kernel.kind, kernel.exists, kernel.device, kernel.superblock):
        with pytest.raises(KernelError, match="stat"):
            ask("/x")


def test_a_child_never_unwinds_into_the_hosts_code() -> None:
    """Whatever goes wrong while it says what went wrong: it would run the host's clean-up."""
    import os

    from minidocker.kernel.trace import Pretend
    from minidocker.runtime.channel import Channel
    from minidocker.runtime.child import Child

    pid = os.fork()
    if pid == 0:
        try:
            child = Child(None, [], Pretend(), Channel(), (0, 0), 0, set(), "", None)  # type: ignore[arg-type]
            child()
        finally:
            os._exit(77)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 125


def test_roots_containers_get_ids_that_no_user_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """useradd's first range is the first user's, who may become whoever has its ids."""
    given = {"/etc/subuid": [("ann", 100_000, 65_536), ("bob", ids.HIGH - 10, 11)],
             "/etc/subgid": [("ann", ids.HIGH + 2 * ids.COUNT - 1, 1)]}  # fmt: skip
    monkeypatch.setattr(ids, "ranges", given.__getitem__)
    assert ids.of_nobody() == [ids.HIGH + 2 * ids.COUNT, ids.COUNT]
    given["/etc/subgid"] = [("ann", 0, 1 << 32)]
    with pytest.raises(Blocked):
        ids.of_nobody()
    assert cell_needs.FIRST_IDS[0] == ids.HIGH + ids.RANGES * ids.COUNT  # nor one of the judge's


def test_a_module_that_cannot_be_read_is_told_with_its_call() -> None:
    """A stage loads some of what it needs only when it needs it, and a disk may fail then."""
    code = compile("raise OSError(5, 'Input/output error')", "<frozen importlib._x>", "exec")
    with pytest.raises(OSError, match="Input/output error") as caught:
        exec(code)
    told = failure(caught.value, None, "before")
    assert told.message == "before: read(2) of a module of Python's: Input/output error"
