"""Samples and what is counted from them: from a recorded cgroup, and from a recorded /proc."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from recorded_proc import NS, make

from minidocker.proc import cgroups, processes, usage
from minidocker.proc.machine import Host
from minidocker.proc.usage import Sample, between
from minidocker.verbs import stats


def cgroup(folder: Path, **files: str) -> str:
    """Record a cgroup; names with "_" for the first "."."""
    folder.mkdir(parents=True, exist_ok=True)
    given = {"cgroup_controllers": "cpu memory pids", "cgroup_procs": "5\n6", **files}
    for name, text in given.items():
        (folder / name.replace("_", ".", 1)).write_text(text + "\n")
    return str(folder)


FULL = {
    "memory_current": "1000", "memory_max": "max", "memory_events": "low 0\noom 3\noom_kill 2",
    "pids_current": "4", "pids_max": "10", "cpu_max": "50000 100000",
    "cpu_stat": "usage_usec 1500000\nnr_periods 20\nnr_throttled 7\nthrottled_usec 90000",
    "memory_pressure": "some avg10=12.50 avg60=1.00 avg300=0.00 total=9\nfull avg10=1.00 total=1",
}  # fmt: skip


def test_a_cgroup_is_read_whole(tmp_path: Path) -> None:
    cgroup(tmp_path, memory_max="5000")
    found = usage.from_cgroup(cgroup(tmp_path / "box", **FULL))
    assert (found.source, found.cpu, found.memory, found.pids) == ("cgroup", 1.5, 1000, 4)
    assert (found.memory_limit, found.pids_limit, found.cpu_limit) == (5000, 10, 0.5)
    assert (found.periods, found.throttled, found.throttled_time) == (20, 7, 0.09)
    assert found.oom_kills == 2 and found.pressure == {"memory": 12.5}


def test_a_cgroup_without_its_controllers_is_no_sample(tmp_path: Path) -> None:
    hybrid = cgroup(tmp_path / "box", cgroup_controllers="", cpu_stat="usage_usec 5")
    with pytest.raises(FileNotFoundError):
        usage.from_cgroup(hybrid)
    with pytest.raises(FileNotFoundError):
        usage.from_cgroup(str(tmp_path / "gone"))


def test_unknown_is_not_zero(tmp_path: Path) -> None:
    found = usage.from_cgroup(
        cgroup(tmp_path / "box", memory_current="1", cpu_stat="usage_usec 0\nuser_usec 0")
    )
    assert found.periods is None and found.memory_limit is None and found.oom_kills is None
    assert between(found, found).throttled is None


def test_the_lowest_limit_on_the_way_up_holds(tmp_path: Path) -> None:
    top = cgroup(tmp_path, memory_max="900", cpu_max="20000 100000")
    low = cgroup(tmp_path / "a" / "b", memory_max="1000", cpu_max="max 100000")
    cgroup(tmp_path / "a", memory_max="max", cpu_max="150000 100000")
    assert cgroups.lowest(low, "memory.max") == (900, top)
    assert cgroups.narrowest_cpu(low) == (0.2, top)
    assert cgroups.lowest(low, "pids.max") is None


@pytest.mark.parametrize(
    ("text", "share"), [("max 100000", None), ("50000 100000", 0.5), ("7", 7e-5)]
)
def test_cpu_max_in_processors(text: str, share: float | None) -> None:
    assert cgroups.cpus(text) == share


def test_use_between_two_samples() -> None:
    before = Sample(10, "cgroup", 5.0, 100, 400, periods=10, throttled=3, oom_kills=1)
    now = Sample(12, "cgroup", 8.0, 300, 400, periods=30, throttled=18, oom_kills=2)
    use = between(before, now)
    assert (use.cpu, use.throttled, use.oom_kills) == (150.0, (15, 20), 1)
    assert (use.throttled_percent, use.memory_percent) == (75.0, 75.0)


def test_a_sum_that_falls_is_no_negative_use() -> None:
    use = between(Sample(1, "proc", 9.0, 1), Sample(2, "proc", 4.0, 1))
    assert use.cpu == 0 and use.throttled is None and use.memory_percent is None
    assert between(use.now, use.now).cpu == 0


# --- from /proc ----------------------------------------------------------------------------------


def member(
    root: Path, pid: int, ppid: int, ticks: str, memory: int, threads: int, **more: object
) -> None:
    """Record a process of a container with times, size and threads."""
    folder = make(root, pid, ppid=ppid, **more)  # type: ignore[arg-type]
    # Field 3 to 13 of stat, then utime stime cutime cstime.
    (folder / "stat").write_text(f"{pid} (a) b) S {ppid} 1 1 0 -1 0 0 0 0 0 {ticks} 20 0\n")
    with (folder / "status").open("a") as file:
        file.write(f"VmRSS:\t {memory} kB\nThreads:\t{threads}\n")


@pytest.fixture
def procfs(tmp_path: Path) -> str:
    """A host, and a container of three processes, one of them a namespace further down."""
    box = {**NS, "pid": 42}
    member(tmp_path, 1, 0, "999 999 0 0", 5000, 9)
    member(tmp_path, 100, 1, "100 50 30 20", 100, 1, nspid="100\t1", ns=box)
    member(tmp_path, 101, 100, "200 0 0 0", 50, 3, nspid="101\t2", ns=box)
    member(tmp_path, 102, 101, "100 0 0 0", 10, 1, nspid="102\t3\t1", ns={**NS, "pid": 43})
    # Its parent is outside: nsenter. And one of another container, which nobody asked for.
    member(tmp_path, 103, 1, "100 0 0 0", 1, 1, nspid="103\t4", ns=box)
    member(tmp_path, 200, 1, "777 0 0 0", 7000, 7, nspid="200\t1", ns={**NS, "pid": 44})
    (tmp_path / "self").symlink_to("1")
    return str(tmp_path)


def test_proc_is_added_up_over_the_pid_namespace(procfs: str) -> None:
    found = usage.from_proc([100], procfs)[100]
    assert found.cpu == 600 / usage.TICK
    assert (found.memory, found.pids) == (161 * 1024, 6)
    assert (found.source, found.memory_limit, found.pressure) == ("proc", None, {})


def test_several_containers_in_one_walk(procfs: str) -> None:
    found = usage.from_proc([100, 200, 4242], procfs)
    assert set(found) == {100, 200} and found[200].memory == 7000 * 1024


def test_a_process_of_my_own_namespace_stands_for_itself_and_those_below(procfs: str) -> None:
    member(Path(procfs), 300, 1, "10 0 0 0", 10, 1)
    member(Path(procfs), 301, 300, "10 0 0 0", 20, 1)
    found = usage.from_proc([300, 100], procfs)
    assert (found[300].memory, found[300].pids) == (30 * 1024, 2)
    assert found[100].pids == 6


def test_a_container_that_is_gone(procfs: str, tmp_path: Path) -> None:
    with pytest.raises(processes.NoProcess):
        usage.sample(4242, root=procfs)
    assert usage.sample(100, str(tmp_path / "no_cgroup"), procfs).source == "proc"


# --- the table -----------------------------------------------------------------------------------


def row(**more: object) -> stats.Row:
    now = Sample(2, **{"source": "cgroup", "cpu": 3.0, "memory": 32 << 20, **more})  # type: ignore[arg-type]
    before = Sample(1, now.source, 1.0, 0, periods=0 if now.periods is not None else None)
    return stats.Row("0123456789ab", "web", 100, between(before, now))


def test_a_row_of_the_table() -> None:
    full = row(memory_limit=64 << 20, pids=3, pids_limit=10, periods=10, throttled=4,
               pressure={"cpu": 12.6, "memory": 0.0, "io": 1.4})  # fmt: skip
    assert full.cells() == (
        "web", "200.0 %", "32 MiB / 64 MiB", "50 %", "3 / 10", "4 of 10", "13/0/1 %",
    )  # fmt: skip
    assert row(pids=1).cells()[2:5] == ("32 MiB / no limit", "-", "1 / no limit")


def test_from_proc_claims_no_limit() -> None:
    found = row(source="proc", pids=2)
    assert found.cells() == ("web", "200.0 %", "32 MiB / -", "-", "2 / -", "-", "-")
    assert stats.note_on([found]) == "from /proc: no cgroup v2 here"
    assert stats.note_on([row()]) == ""


def test_the_json_of_a_row() -> None:
    told = json.loads(json.dumps(row(source="proc").as_dict()))
    assert set(told) == {
        "id", "name", "pid", "source", "cpu_percent", "cpu_seconds", "cpu_limit", "memory",
        "memory_limit", "pids", "pids_limit", "periods", "throttled", "throttled_seconds",
        "oom_kills", "pressure",
    }  # fmt: skip
    assert told["pressure"] == {"cpu": None, "memory": None, "io": None}
    assert told["throttled"] is None and told["cpu_percent"] == 200.0


# --- the watch -----------------------------------------------------------------------------------


class Records:
    """Stands for runtime.state: records that a test can end."""

    def __init__(self, *records: dict[str, object]) -> None:
        self.list = list(records)

    def records(self, root: str) -> list[dict[str, object]]:
        return self.list


def watch(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *directories: str
) -> tuple[stats.Watch, Records]:
    from minidocker.runtime import reading

    found = Records(*(
        {"id": f"{at:012}", "name": f"c{at}", "pid": os.getpid(), "alive": True,
         "facts": {"cgroup": directory}}
        for at, directory in enumerate(directories)
    ))  # fmt: skip
    monkeypatch.setattr(reading, "records", found.records)
    return stats.Watch(root=str(tmp_path)), found


def test_the_first_round_is_a_difference_already(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    box = cgroup(tmp_path / "box", **FULL)
    seen, _ = watch(monkeypatch, tmp_path, box)

    def work(seconds: float) -> None:
        cgroup(tmp_path / "box", **{**FULL, "cpu_stat": "usage_usec 3500000"})

    (rows,) = list(seen.rounds(1, once=True, pause=work))
    assert rows[0].use.cpu > 100 and rows[0].name == "c0"


def test_rounds_end_when_the_named_containers_have_ended(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen, found = watch(monkeypatch, tmp_path, cgroup(tmp_path / "box", **FULL))
    seen.ids, seen.all = {"000000000000"}, False
    rounds = seen.rounds(1, pause=lambda seconds: None)
    assert len(next(rounds)) == 1
    found.list[0]["alive"] = False
    assert list(rounds) == []


def test_without_names_the_watch_goes_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen, _ = watch(monkeypatch, tmp_path)
    rounds = seen.rounds(1, pause=lambda seconds: None)
    assert next(rounds) == [] == next(rounds)
    assert stats.note_on([]) == "no container runs"


def test_where_a_process_stands(tmp_path: Path) -> None:
    box = tmp_path / "sys/fs/cgroup/minidocker/box"
    cgroup(box)
    me = tmp_path / "proc" / "self"
    me.mkdir(parents=True)
    (me / "cgroup").write_text("0::/minidocker/box\n")
    host, root = Host(root=str(tmp_path)), str(tmp_path / "proc")
    for mounts, kind, directory in (
        ("23 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "pure", str(box)),
        ("23 20 0:26 /minidocker /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "pure", ""),
        ("23 20 0:35 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n", "v1", ""),
        ("", "none", ""),
    ):
        (me / "mountinfo").write_text(mounts)
        found = cgroups.place("self", root, host)
        assert (found.kind, found.path, found.directory) == (kind, "/minidocker/box", directory)
    # A part of the tree that is mounted elsewhere, and a path outside of my cgroup namespace.
    cgroup(tmp_path / "sys/fs/cgroup/box")
    (me / "mountinfo").write_text("23 20 0:26 /minidocker /sys/fs/cgroup rw - cgroup2 none rw\n")
    assert cgroups.place("self", root, host).directory == str(tmp_path / "sys/fs/cgroup/box")
    (me / "cgroup").write_text("0::/../other\n")
    assert cgroups.place("self", root, host).directory == ""
