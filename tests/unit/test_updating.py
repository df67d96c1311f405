"""`update`: which limits a container has afterwards, and what is written into its cgroup."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from minidocker.engine.updating import update
from minidocker.errors import Blocked, MinidockerError, UsageError
from minidocker.runtime import reading
from minidocker.verbs import update as verb

MEBI = 1 << 20
Box = Callable[..., dict[str, Any]]


@pytest.fixture
def box(tmp_path: Path) -> Box:
    """A container's record; `runs` gives it a cgroup that is an ordinary directory."""

    def make(runs: bool = True, **resources: object) -> dict[str, Any]:
        folder = tmp_path / "containers/box"
        folder.mkdir(parents=True)
        (tmp_path / "cgroup").mkdir()
        record = {"id": "box", "name": "web", "image": "base", "status": "running", "pid": 1,
                  "facts": {"cgroup": f"{tmp_path}/cgroup"}, "spec": {"resources": resources}}  # fmt: skip
        (folder / "record.json").write_text(json.dumps(record))
        return {**reading.find(str(tmp_path), "web"), "alive": runs}

    return make


def written(tmp_path: Path) -> dict[str, str]:
    """The files of the cgroup."""
    return {path.name: path.read_text() for path in (tmp_path / "cgroup").iterdir()}


def limits(tmp_path: Path) -> dict[str, Any]:
    """The limits that the record has now, but for those that are not set."""
    found = reading.find(str(tmp_path), "web")["spec"]["resources"]
    return {name: value for name, value in found.items() if value is not None}


def test_what_is_not_said_stays(tmp_path: Path, box: Box) -> None:
    update(box(memory=64 * MEBI, shares=512), {"memory": "128m", "pids-limit": "5"})
    assert written(tmp_path) == {
        "memory.max": f"{128 * MEBI}", "memory.swap.max": f"{128 * MEBI}", "cpu.weight": "59",
        "pids.max": "5",
    }  # fmt: skip
    assert limits(tmp_path) == {"memory": 128 * MEBI, "shares": 512, "pids": 5}


def test_one_way_to_limit_the_cpus_replaces_the_other(tmp_path: Path, box: Box) -> None:
    record = box(quota=20000, period=50000)
    update(record, {"cpus": "1.5"})
    assert written(tmp_path)["cpu.max"] == "150000 100000" and limits(tmp_path) == {"cpus": 1.5}
    update({**reading.find(str(tmp_path), "web"), "alive": True}, {"cpu-quota": "30000"})
    assert written(tmp_path)["cpu.max"] == "30000 100000" and limits(tmp_path) == {"quota": 30000}


def test_one_that_has_ended_has_them_at_its_next_start(tmp_path: Path, box: Box) -> None:
    update(box(runs=False), {"memory": "64m", "memory-swap": "-1"})
    assert written(tmp_path) == {} and limits(tmp_path) == {"memory": 64 * MEBI, "swap": -1}


def test_swap_alone_counts_with_the_memory_that_it_has(tmp_path: Path, box: Box) -> None:
    update(box(memory=64 * MEBI), {"memory-swap": "96m"})
    assert written(tmp_path)["memory.swap.max"] == f"{32 * MEBI}"


@pytest.mark.parametrize(
    ("texts", "docker"),
    [
        ({"memory-swap": "32m"}, "Minimum memoryswap limit should be larger"),
        ({"memory-reservation": "1g"}, "Minimum memory limit can not be less"),
        ({"cpus": "1", "cpu-quota": "5000"}, "Conflicting options"),
        ({"cpu-period": "1"}, "CPU cfs period can not be less"),
    ],
)
def test_limits_that_contradict_each_other(
    tmp_path: Path, box: Box, texts: dict[str, str], docker: str
) -> None:
    with pytest.raises(UsageError) as found:
        update(box(memory=64 * MEBI), texts)
    assert docker in found.value.docker
    assert written(tmp_path) == {} and limits(tmp_path) == {"memory": 64 * MEBI}


def test_where_there_is_no_cgroup_one_sentence_says_so(tmp_path: Path, box: Box) -> None:
    record = box()
    with pytest.raises(Blocked, match="no cgroup of its own"):
        update({**record, "facts": {}}, {"memory": "64m"})
    with pytest.raises(Blocked, match="cannot be changed"):
        update({**record, "facts": {"cgroup": f"{tmp_path}/gone"}}, {"memory": "64m"})
    assert limits(tmp_path) == {}
    with pytest.raises(MinidockerError) as found:
        verb.main(["web"])
    assert "one or more flags" in found.value.docker


def test_a_spoilt_file_counts_for_nothing(tmp_path: Path, box: Box) -> None:
    box(memory=1)
    for text in ("", "[]", "{", "\udcff"):
        (tmp_path / "containers/box/limits").write_bytes(text.encode(errors="surrogateescape"))
        assert limits(tmp_path) == {"memory": 1}
