"""linux.resources as texts of cgroup files, of both versions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from minidocker.errors import UsageError
from minidocker.kernel.linux import Linux
from minidocker.oci import limits
from minidocker.oci.updating import look_first

DISK = {"major": 8, "minor": 16}


@pytest.mark.parametrize(
    ("resources", "one", "two"),
    [
        ({"memory": {"limit": 0, "swap": 0, "reservation": 0}}, {}, {}),
        (
            {"memory": {"limit": -1}},
            {"memory.limit_in_bytes": "-1", "memory.memsw.limit_in_bytes": "-1"},
            {"memory.swap.max": "max", "memory.max": "max"},
        ),
        (
            {"memory": {"limit": 100, "swap": 300}},
            {"memory.limit_in_bytes": "100", "memory.memsw.limit_in_bytes": "300"},
            {"memory.swap.max": "200", "memory.max": "100"},
        ),
        (
            {"blockIO": {"weight": 10, "weightDevice": [{**DISK, "weight": 1000}]}},
            {"blkio.weight": "10", "blkio.weight_device": "8:16 1000"},
            {"io.weight": "default 1\n8:16 10000"},
        ),
        (
            {"blockIO": {
                "throttleReadBpsDevice": [{**DISK, "rate": 5}, {"major": 9, "minor": 0, "rate": 6}],
                "throttleWriteIOPSDevice": [{**DISK, "rate": 7}],
            }},
            {"blkio.throttle.read_bps_device": "8:16 5\n9:0 6", "blkio.throttle.write_iops_device": "8:16 7"},
            {"io.max": "8:16 rbps=5\n9:0 rbps=6\n8:16 wiops=7"},
        ),
        (
            {"rdma": {"mlx5_1": {"hcaHandles": 3, "hcaObjects": 1000}, "mlx4_0": {"hcaObjects": 0}}},
            {"rdma.max": "mlx5_1 hca_handle=3 hca_object=1000\nmlx4_0 hca_object=0"},
            {"rdma.max": "mlx5_1 hca_handle=3 hca_object=1000\nmlx4_0 hca_object=0"},
        ),
    ],
)  # fmt: skip
def test_both_versions(resources: dict[str, Any], one: dict[str, str], two: dict[str, str]) -> None:
    assert limits.version_1(resources) == one
    assert limits.version_2(resources) == two


def test_what_one_version_alone_has() -> None:
    only_one = {
        "cpu": {"realtimePeriod": 1000, "realtimeRuntime": 500},
        "network": {"classID": 17, "priorities": [{"name": "lo", "priority": 3}]},
    }
    assert limits.version_1(only_one) == {
        "cpu.rt_period_us": "1000", "cpu.rt_runtime_us": "500", "net_cls.classid": "17",
        "net_prio.ifpriomap": "lo 3",
    }  # fmt: skip
    for key, value in only_one.items():
        with pytest.raises(UsageError, match=f"linux.resources.{key}"):
            limits.version_2({key: value})
    with pytest.raises(UsageError, match="invalid configuration"):
        limits.version_1({"unified": {"memory.max": "1"}})


def test_what_memory_limit_keeps_too_is_no_reason_to_refuse() -> None:
    """The kernel's memory is counted in memory.limit; alone it has had no limit since Linux 5.16."""
    kept = {"limit": 100, "kernel": 100, "useHierarchy": True}
    assert limits.version_1({"memory": kept}) == {"memory.limit_in_bytes": "100"}
    assert limits.version_2({"memory": kept}) == {"memory.max": "100"}
    tcp = {"memory": {"kernelTCP": 7}}
    assert limits.version_1(tcp) == {"memory.kmem.tcp.limit_in_bytes": "7"}
    for version, memory, name in (
        (limits.version_1, {"limit": 100, "kernel": 99}, "kernel"),
        (limits.version_2, {"kernel": 100}, "kernel"),
        (limits.version_2, {"limit": -1, "kernel": 100}, "kernel"),
        (limits.version_2, tcp["memory"], "kernelTCP"),
        (limits.version_1, {"useHierarchy": False}, "useHierarchy"),
    ):
        with pytest.raises(UsageError, match=f"linux.resources.memory.{name}"):
            version({"memory": memory})


@pytest.mark.parametrize(("limit", "refused"), [("99", True), ("100", False), ("max", False)])
def test_no_limit_below_what_is_in_use(tmp_path: Path, limit: str, refused: bool) -> None:
    (tmp_path / "memory.current").write_text("100\n")

    def look(resources: dict[str, Any]) -> None:
        look_first(Linux(), str(tmp_path), resources, {"memory.max": limit})

    look({"memory": {}})
    if refused:
        with pytest.raises(UsageError, match="uses now, 100"):
            look({"memory": {"checkBeforeUpdate": True}})
    else:
        look({"memory": {"checkBeforeUpdate": True}})
