"""The escape laboratory on our defaults: every escape works somewhere, and our defaults stop it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from minidocker.escapes import catalogue, ladder
from minidocker.stages import CHAPTERS

pytestmark = pytest.mark.needs("root", "pidns", "mntns", "overlay")


def machine() -> dict[str, object]:
    """What a working escape would have changed on this machine."""
    groups = {
        path for path, _, _ in os.walk("/sys/fs/cgroup")
        if "minidocker.cell." in path or "libpod" in path
    }  # fmt: skip
    program = os.stat(os.path.realpath("/proc/self/exe"))
    return {
        "hostname": os.uname().nodename,
        "core_pattern": Path("/proc/sys/kernel/core_pattern").read_text(),
        "mounts": Path("/proc/self/mountinfo").read_text(),
        "links": sorted(os.listdir("/sys/class/net")),
        "groups": groups,
        "interpreter": (program.st_mode, program.st_mtime_ns, program.st_ctime_ns),
        "canary": os.path.exists("/canary") or os.path.exists("/yard"),
    }


@pytest.fixture(autouse=True)
def machine_unchanged() -> Iterator[None]:
    """No escape, also one that works, reaches the machine: it has reached the yard alone."""
    before = machine()
    yield
    assert machine() == before


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, command: list[str]) -> dict:
    """One run over the whole catalogue."""
    picture = tmp_path_factory.mktemp("escapes") / "matrix.svg"
    done = subprocess.run(
        [*command, "escapes", "--json", "--svg", str(picture)],
        capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=540,
    )  # fmt: skip
    assert not done.stderr, done.stderr
    found = json.loads(done.stdout)
    return {**found, "status": done.returncode, "svg": picture.read_text()}


def test_no_escape_works_with_our_defaults(told: dict, command: list[str]) -> None:
    """One that could not be measured is measured once more; one that works is not asked again."""
    rows = [f"{e['name']:18} {e['verdict']:28} {e['by']:14} {e['podman']}" for e in told["escapes"]]
    print("\n".join(rows))
    assert len(told["escapes"]) == len(catalogue.ESCAPES) >= 55
    assert [e["name"] for e in told["escapes"] if e["verdict"] == ladder.WORKS] == []
    unknown = [(e["name"], e["why"]) for e in told["escapes"] if e["verdict"] == ladder.ERROR]
    print(unknown)
    assert len(unknown) <= 1
    for name, _ in unknown:
        again = subprocess.run(
            [*command, "escapes", "--only", name, "--json"],
            capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=200,
        )  # fmt: skip
        (one,) = json.loads(again.stdout)["escapes"]
        assert one["verdict"] not in (ladder.WORKS, ladder.ERROR), again.stdout
    assert told["status"] == 0 or unknown


def test_each_escape_was_seen_to_work_or_says_why_not(told: dict) -> None:
    """An attack that never works proves nothing about the wall that it does not pass."""
    for escape in told["escapes"]:
        if escape["verdict"] in (ladder.CLOSED, ladder.BLOCKED):
            assert escape["why"], escape["name"]
            assert not any(escape["tried"].values())
        else:
            assert escape["tried"]["none"] is True, escape["name"]
    seen = [e for e in told["escapes"] if e["tried"].get("none")]
    assert len(seen) >= 25


def test_the_stage_that_stops_it_was_measured_on_both_sides(told: dict) -> None:
    columns = ["none", "identity", *CHAPTERS]
    assert told["ladder"] == columns
    stopped = [escape for escape in told["escapes"] if escape["verdict"] == ladder.STOPPED]
    assert stopped
    for escape in stopped:
        tried = {rung.removeprefix(".."): works for rung, works in escape["tried"].items()}
        begin = catalogue.by_name(escape["name"]).begin
        rungs = ["none", *(columns[columns.index(begin) :] if begin else columns[1:])]
        assert tried[escape["by"]] is False
        assert tried[rungs[rungs.index(escape["by"]) - 1]] is True, escape["name"]
        assert tried[columns[-1]] is False


def test_different_walls_are_needed(told: dict) -> None:
    """Each kind of wall stops an escape that no wall of an earlier lesson has stopped."""
    by = {escape["by"] for escape in told["escapes"] if escape["verdict"] == ladder.STOPPED}
    assert {"pid", "propagation", "mounts", "rootfs", "uts", "ipc", "network", "masks",
            "capabilities", "seccomp"} <= by  # fmt: skip


def test_the_picture_says_what_was_measured(told: dict) -> None:
    text = "".join(ElementTree.fromstring(told["svg"]).itertext())
    for escape in told["escapes"]:
        assert escape["name"] in text
    assert "prefers-color-scheme:dark" in told["svg"] and "<desc" in told["svg"]


def test_one_alone_in_words_and_an_unknown_name(minidocker: Callable) -> None:
    done = minidocker("escapes", "--only", "rename_host", "--no-podman")
    assert done.returncode == 0 and "stopped by uts" in done.stdout and "\x1b" not in done.stdout
    wrong = minidocker("escapes", "--only", "rename_hots")
    assert wrong.returncode == 2 and "did you mean rename_host?" in wrong.stderr
    assert "closed by this kernel" in minidocker("escapes", "--help").stdout
    listed = minidocker("escapes", "--list").stdout
    assert all(escape.name in listed for escape in catalogue.ESCAPES)


def test_every_stage_on_request(minidocker: Callable) -> None:
    done = minidocker("escapes", "--only", "rename_host", "--matrix", "--json", "--no-podman")
    tried = json.loads(done.stdout)["escapes"][0]["tried"]
    assert list(tried) == ladder.rungs()
    place = ladder.rungs().index("..uts")
    assert list(tried.values()) == [True] * place + [False] * (len(tried) - place)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_when_it_is_stopped_half_way(command: list[str], number: int) -> None:
    process = subprocess.Popen(
        [*command, "escapes", "--no-podman"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    time.sleep(2)
    below = descendants(process.pid)
    assert len(below) >= 2
    process.send_signal(number)
    process.wait(30)
    end = time.monotonic() + 20
    while any(alive(pid, start) for pid, start in below.items()):
        assert time.monotonic() < end
        time.sleep(0.1)


def descendants(pid: int) -> dict[int, str]:
    """The processes below one, each with its start time."""
    found: dict[int, str] = {}
    todo = [pid]
    while todo:
        parent = todo.pop()
        for name in filter(str.isdigit, os.listdir("/proc")):
            fields = stat_of(int(name))
            if fields and fields[1] == str(parent) and int(name) not in found:
                found[int(name)] = fields[19]
                todo.append(int(name))
    return found


def stat_of(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def alive(pid: int, start: str) -> bool:
    fields = stat_of(pid)
    return bool(fields) and fields[0] != "Z" and fields[19] == start
