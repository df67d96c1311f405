"""linux.resources as texts of cgroup files, of both versions."""

from __future__ import annotations

from typing import Any

import pytest

from minidocker.errors import UsageError
from minidocker.oci import limits

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
