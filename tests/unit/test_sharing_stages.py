"""Names, clocks and shared walls against a kernel that pretends: lesson 06's stages and options."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from minidocker.errors import Conflict, StageError, UsageError
from minidocker.kernel import flags as f
from minidocker.kernel.trace import Pretend
from minidocker.plan.from_options import refuse_left_out
from minidocker.plan.options import read
from minidocker.runtime import joining
from minidocker.spec.spec import Process, Resources, Root, Run, Spec, blank
from minidocker.stages import STAGES, choose
from minidocker.stages.ipc import Ipc
from minidocker.stages.mounts import Mounts
from minidocker.stages.network import Network
from minidocker.stages.pid import Pid
from minidocker.stages.time import Time
from minidocker.stages.uts import Uts


def a_run(facts: dict[str, object] | None = None, **spec: object) -> Run:
    defaults = {
        "id": "abc", "hostname": "box", "mounts": [], "resources": Resources(),
        "root": Root(path="", layers=["/l"], readonly=False),
        "process": Process(args=["true"], env=[], cwd="/", user=""),
    }  # fmt: skip
    return Run(id="abc", directory="/s/abc", root="/r", facts=facts or {},
               spec=Spec(**{**defaults, **spec}))  # fmt: skip


def asked(stage: type, moment: str, **spec: object) -> list[str]:
    kernel = Pretend()
    getattr(stage(), moment)(kernel, a_run(**spec))
    return [name for name, _ in kernel.calls]


def test_ipc_namespace() -> None:
    assert Ipc.ipc_namespace("private") == (f.CLONE_NEWIPC, "")
    assert Ipc.ipc_namespace("host") == (0, "")
    assert Ipc.ipc_namespace("container:12") == (0, "/proc/12/ns/ipc")
    for mode in ("", "container:", "container:web", "Host"):
        with pytest.raises(ValueError, match="no mode"):
            Ipc.ipc_namespace(mode)


@pytest.mark.parametrize(("stage", "name"), [(Pid, "pid"), (Uts, "uts"), (Ipc, "ipc"), (Network, "net")])  # fmt: skip
def test_entry(stage: type, name: str) -> None:
    assert stage().entry("private") == (f.NAMESPACES[name], "")
    assert stage().entry("host") == (0, "")
    assert stage().entry("container:7") == (0, f"/proc/7/ns/{name}")


def test_every_flag_of_a_stage_comes_from_its_entry() -> None:
    for stage in STAGES:
        assert stage().entry("private") == (stage.namespaces, "")
        assert not stage.namespaces & f.CLONE_NEWTIME


def test_names() -> None:
    assert asked(Uts, "inside") == ["sethostname"]
    assert asked(Uts, "inside", domainname="lab") == ["sethostname", "setdomainname"]
    assert asked(Uts, "inside", sharing={"uts": "host"}) == []


def test_loopback_of_others_is_left_alone() -> None:
    assert asked(Network, "inside", sharing={"net": "host"}) == []


def test_the_clock_is_set_while_nobody_is_in_the_namespace() -> None:
    kernel = Pretend()
    Time().parent(kernel, a_run(boottime=-5))
    assert kernel.calls == [
        ("unshare", (f.CLONE_NEWTIME,)),
        ("write", ("/proc/self/timens_offsets", "boottime -5 0\n")),
    ]
    assert asked(Time, "parent") == []


def shm(facts: dict[str, object] | None = None, **spec: object) -> list[tuple]:
    kernel = Pretend()
    Mounts().place_shm(kernel, a_run(facts, **spec))
    return kernel.calls


def test_shared_memory_follows_the_ipc_mode() -> None:
    private = shm()
    assert private[0][1][:3] == ("shm", "/r/dev/shm", "tmpfs")
    sized = shm(shm_size=4096)
    assert sized[1][1][3] & f.MS_REMOUNT
    assert sized[1][1][4] == "size=4096"
    assert shm(sharing={"ipc": "host"}) == [
        ("mount", ("/dev/shm", "/r/dev/shm", "", f.MS_BIND | f.MS_REC))
    ]
    joined = shm({"shm": 9}, sharing={"ipc": "container:web"})
    assert joined == [("move_mount", (9, "/r/dev/shm"))]


def test_a_learners_answer_must_mean_the_same() -> None:
    class Theirs(Ipc):
        origin = {"ipc_namespace": "mine.py"}

        @staticmethod
        def ipc_namespace(mode: str) -> tuple[int, str]:
            return [0, "/proc/self/task/../ns/ipc"] if mode != "private" else 7  # type: ignore

    assert joining.ask(Theirs(), "container:self")[0] == 0
    with pytest.raises(StageError) as problem:
        joining.ask(Theirs(), "private")
    assert "ipc_namespace of mine.py" in str(problem.value)


def planned(found: dict[str, str], stages: str = "") -> Spec:
    asked = read(found, "/nowhere", touch=False)
    refuse_left_out(choose(stages), asked)
    spec = blank()
    for stage in STAGES:
        stage.plan(spec, asked)
    return spec


def test_options() -> None:
    assert planned({}).sharing == {}
    assert planned({"ipc": "private", "network": "none"}).sharing == {}
    assert planned({"ipc": "container:a", "network": "host"}).sharing == {
        "ipc": "container:a", "net": "host",
    }  # fmt: skip
    assert planned({"boottime-offset": "-60"}).boottime == -60
    assert planned({}).boottime is None
    for options in ({"uts": "container:a"}, {"pid": "hosts"}, {"ipc": "container:"}):
        with pytest.raises(UsageError):
            planned(options)
    with pytest.raises(UsageError, match="leaves it out"):
        planned({"ipc": "container:a"}, "pid")
    for text in ("", "1.5", "--5", "day"):
        with pytest.raises(UsageError):
            planned({"boottime-offset": text})


def test_a_number_with_a_new_owner_gives_no_shared_memory() -> None:
    """The mounts of /dev/shm are found by a pid; whoever has it now is in another ipc namespace."""
    class Other(Pretend):
        def tree_of(self, namespace: int, path: str) -> int:
            raise AssertionError("it has looked into a stranger's mounts")

    fd = os.open("/proc/self/ns/uts", os.O_RDONLY)  # stands for the namespace of who had it before
    story = SimpleNamespace(kernel=Other(), run=a_run(), stage=Ipc())
    try:
        with pytest.raises(Conflict, match="just ended"):
            joining.take_shm(story, joining.Door(Ipc(), os.getpid(), fd))
    finally:
        os.close(fd)
