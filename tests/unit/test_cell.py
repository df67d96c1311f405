"""A cell: what it hides, limits and takes away; and that it is gone afterwards."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from minidocker.chamber import cell_needs, cgroups
from minidocker.chamber.client import Maker
from minidocker.course.exercise_file import Subject
from minidocker.course.outcomes import Fail, NotStarted
from minidocker.engine import left_over
from minidocker.errors import Blocked
from minidocker.grader.cell import Cell
from minidocker.grader.machine import Machine
from minidocker.grader.probe import Gone
from minidocker.images.store.store import Store
from minidocker.kernel.linux import Linux

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.needs("root", "pidns")
SCENES = """
import os, resource, signal

def cast_look(kernel, talk, path):
    talk.say("cast")
    return 42

def act_look(learner, kernel, talk, path, cast):
    value = learner.look(path)
    talk.ask("result", value=value, cast=cast)

def act_twice(learner, kernel, talk):
    pid = os.fork()
    if pid == 0:
        talk.say("child")
        signal.pause()
    talk.say("parent")
    signal.pause()
"""


@pytest.fixture(scope="module")
def maker():
    one = Maker()
    yield one
    one.close()


@pytest.fixture
def play(maker, tmp_path):
    """Play the scene `look` with a learner's function `look(path)` of this body."""
    scenes = tmp_path / "scenes.py"
    scenes.write_text(SCENES)
    cells = []

    def start(body, scene="look", path="", **subject):
        source = f"import os\n\ndef look(path):\n    {body}\n"
        one = Subject("learner", "exercises/x.py", source, **subject)
        args = {"path": str(path)} if scene == "look" else {}
        cells.append(Cell(maker, one, scenes, scene, args))
        return cells[-1]

    yield start
    for one in cells:
        one.close()


def look(cell):
    return cell.expect("result")["value"]


def test_every_namespace_of_the_cell_is_its_own(play):
    cell = play("return 1")
    sender = cell.expect("result").sender
    for name in ("pid", "mnt", "net", "ipc", "uts", "cgroup"):
        inode = os.stat(f"/proc/self/ns/{name}").st_ino
        assert cell.own[name] != inode
        assert cell.proc.namespace(cell.number(sender), name) == cell.own[name]


def test_a_signal_reaches_nobody_but_the_cells_own(play):
    """A process of the cell ends, and the kernel gives its number away: who is signalled then?"""
    cell, other = play("return 1", scene="twice"), play("return 1", scene="twice")
    own, strange = cell.expect("child"), other.expect("child")
    for pid in (os.getpid(), strange.sender):
        with pytest.raises(Gone):
            cell.signal(pid, 9)
    assert other.proc.state(other.number(strange.sender)) in "RS"
    cell.signal(own.sender, 9)
    while cell.proc.state(cell.number(own.sender)) != "Z":
        time.sleep(0.01)


def test_solutions_tests_and_the_reference_are_hidden(play):
    hidden = (ROOT / "solutions", ROOT / "tests")
    body = "return [n for n in os.listdir(path)]"
    assert look(play(body, path=ROOT / "solutions", hidden=hidden)) == []
    assert look(play(body, path=ROOT / "minidocker/stages", hidden=hidden)) == []
    assert "kernel" in look(play(body, path=ROOT / "minidocker", hidden=hidden))
    assert look(play(body, path=ROOT / "minidocker/stages", hidden=hidden, trusted=True))


def test_what_is_written_in_a_cell_stays_in_it(play, tmp_path):
    canary = tmp_path / "canary"
    canary.write_text("host")
    assert look(play("open(path, 'w').write('cell'); return open(path).read()",
                     path="/etc/hostname")) == "cell"  # fmt: skip
    assert Path("/etc/hostname").read_text() != "cell"
    write = "os.makedirs(os.path.dirname(path), exist_ok=True); open(path, 'w').write('cell')"
    assert look(play(f"{write}; return open(path).read()", path=canary)) == "cell"
    assert canary.read_text() == "host"


def test_learner_code_runs_last_and_dies_first(play):
    cell = play("return [os.sched_getscheduler(0), open('/proc/self/oom_score_adj').read(), "
                "os.getpid()]")  # fmt: skip
    assert look(cell) == [os.SCHED_IDLE, "1000\n", 2]


def test_what_no_namespace_holds_back_is_taken_away(play):
    words = look(play("return open('/proc/self/status').read().split()"))
    held = int(words[words.index("CapEff:") + 1], 16)
    assert not held >> 25 & 1  # CAP_SYS_TIME
    assert not held >> 22 & 1  # CAP_SYS_BOOT
    assert held >> 21 & 1  # CAP_SYS_ADMIN: lessons need it


def test_no_descriptor_of_the_grader_is_open(play):
    # 0, 1, 2, the line, and the one that lists
    assert look(play("return sorted(map(int, os.listdir('/proc/self/fd')))"))[:3] == [0, 1, 2]
    assert len(look(play("return os.listdir('/proc/self/fd')"))) == 5


def test_the_limit_on_processes_is_the_cells_alone(play):
    host = Machine().read("/proc/sys/kernel/pid_max")
    body = """
    pids = []
    try:
        for _ in range(1000):
            pid = os.fork()
            if pid == 0:
                import signal
                signal.pause()
            pids.append(pid)
    except OSError as problem:
        return len(pids)"""
    assert 100 < look(play(body.strip())) < 401
    assert Machine().read("/proc/sys/kernel/pid_max") == host


def test_the_kernel_signs_who_speaks(play):
    cell = play("return 1", scene="twice")
    child, parent = cell.expect("child"), cell.expect("parent")
    assert cell.number(parent.sender) == 2
    assert cell.proc.field(cell.number(child.sender), "PPid") == "2"


def test_the_cast_comes_before_the_learners_file(play):
    cell = play("return 1")
    cell.expect("cast")
    assert cell.expect("result")["cast"] == 42


def test_when_it_is_closed_everything_is_gone(play):
    cell = play("[os.fork() for _ in range(4)]; return 1")
    sender = cell.expect("result").sender
    begin = time.monotonic()
    cell.close()
    assert time.monotonic() - begin < 9  # before the zygote gives up
    assert not os.path.exists(f"/proc/{sender}")
    with pytest.raises(Gone):
        cell.number(sender)
    cell.close()  # twice is once


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("raise ValueError('no')", "MD9004"),
        ("os._exit(3)", "MD9005"),
        ("while True: pass", "MD9006"),
        ("import time; time.sleep(99)", "MD9007"),
    ],
)
def test_how_learner_code_can_fail(play, body, code):
    with pytest.raises(Fail) as problem:
        play(body).expect("result")
    assert problem.value.code == code


def test_not_implemented_is_not_started(play):
    with pytest.raises(NotStarted):
        play("raise NotImplementedError").expect("result")


def test_a_function_from_elsewhere_is_no_function_of_the_learners(play):
    with pytest.raises(Fail) as problem:
        play("pass\n\nfrom os.path import exists as look").expect("result")
    assert problem.value.code == "MD9003"
    assert "genericpath" in problem.value.text


def test_a_missing_name(play):
    with pytest.raises(Fail) as problem:
        play("pass\n\ndel look").expect("result")
    assert problem.value.code == "MD9001"


def test_a_kernel_before_6_14_has_no_limit_of_its_own(monkeypatch):
    monkeypatch.setattr(cell_needs, "cgroup_parent", lambda: "")
    for release, limit in (("6.1.0-18-amd64", ""), ("6.13.9", ""), ("6.14.0", "pid_max"),
                           ("7.0-rc1", "pid_max")):  # fmt: skip
        monkeypatch.setattr(os, "uname", lambda release=release: Uname(release))
        assert cell_needs.process_limit() == limit


class Uname:
    def __init__(self, release):
        self.release = release


def test_patience_stretches_and_never_shortens(monkeypatch):
    for text, value in (("4", 4.0), ("0.1", 1.0), ("x", 1.0)):
        monkeypatch.setenv("MINIDOCKER_PATIENCE", text)
        assert cell_needs.patience() == value


def test_without_user_attributes_only_the_lab_machine_judges_what_overlay_notes(
    monkeypatch, tmp_path
):
    marker = tmp_path / "lab"
    monkeypatch.setattr(cell_needs, "LAB_MARKER", str(marker))
    monkeypatch.setattr(cell_needs, "user_attributes", lambda: False)
    with pytest.raises(Blocked):
        cell_needs.room_for("scenes_12_layers", "pack")
    assert cell_needs.room_for("scenes_03_rootfs", "dev")
    marker.touch()
    assert cell_needs.room_for("scenes_12_layers", "pack") is None


def test_an_ordinary_user_has_what_needs_no_nodes_alone(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(cell_needs, "user_attributes", lambda: True)
    monkeypatch.setattr(cell_needs.ids, "subordinate", lambda *_: (100000, 65536))
    monkeypatch.setattr(cell_needs.ids, "have", lambda _: True)
    assert cell_needs.room_for("scenes_12_layers", "pack").helper
    with pytest.raises(Blocked):
        cell_needs.room_for("scenes_03_rootfs", "dev")
    monkeypatch.setattr(cell_needs.ids, "subordinate", lambda *_: None)
    with pytest.raises(Blocked):
        cell_needs.room_for("scenes_12_layers", "pack")


def dead_pid():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return pid


@pytest.mark.parametrize("remover", ["the next grader", "prune"])
def test_what_a_killed_grader_left_is_removed(remover, tmp_path):
    dead, token = dead_pid(), os.urandom(4).hex()
    lost, kept = [], []
    for parent in cgroups._parents():
        for kind in (cgroups.CELL, cgroups.NAME):
            os.makedirs(f"{parent}/{kind}{dead}.{token}/confined")
            os.mkdir(f"{parent}/{kind}{os.getpid()}.{token}")
            lost.append(f"{parent}/{kind}{dead}.{token}")
            kept.append(f"{parent}/{kind}{os.getpid()}.{token}")
    try:
        if remover == "prune":
            said = list(left_over.prune(Store(str(tmp_path / "store")), Linux()))
            assert {f"removed cgroup {path}" for path in lost} <= set(said)
        else:
            Maker().close()
        assert not [path for path in lost if os.path.exists(path)]
        assert all(os.path.isdir(path) for path in kept)
    finally:
        for path in (*lost, *kept):
            cgroups.remove(path)
