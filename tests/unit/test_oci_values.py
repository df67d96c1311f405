"""Each value of config.json: of its type and within its bounds, or refused by its name."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from minidocker.errors import MinidockerError
from minidocker.oci import bundle, device_rules, groups, limits
from minidocker.seccomp import profile

IDS = [{"containerID": 0, "hostID": 5, "size": 1}]
HOOK = {"path": "/x", "args": ["x"], "env": ["A=b"], "timeout": 3}
THROTTLE = {"major": 1, "minor": 2, "rate": 5}
SETS = ("bounding", "effective", "permitted", "inheritable", "ambient")
TIMES = {"runtime": 10_000_000, "deadline": 20_000_000, "period": 30_000_000}
# every value that the specification has for Linux; what is refused whole is not here
WHOLE: dict[str, Any] = {
    "ociVersion": "1.2.0", "hostname": "h", "domainname": "d", "annotations": {"a": "b"},
    "root": {"path": "rootfs", "readonly": True},
    "process": {
        "terminal": False, "consoleSize": {"height": 1, "width": 2}, "args": ["a"], "env": ["A=b"], "cwd": "/",
        "user": {"uid": 1, "gid": 1, "umask": 18, "additionalGids": [3], "username": "x"}, "commandLine": "x",
        "capabilities": {name: ["CAP_KILL"] for name in SETS}, "noNewPrivileges": True, "apparmorProfile": "x",
        "rlimits": [{"type": "RLIMIT_CORE", "soft": 1, "hard": 2}], "oomScoreAdj": 5,
        "scheduler": {"policy": "SCHED_DEADLINE", "nice": 1, "flags": ["SCHED_FLAG_RESET_ON_FORK"], **TIMES},
        "ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 4}, "execCPUAffinity": {"initial": "0", "final": "0-1"},
    },
    "mounts": [
        {"destination": "/x", "type": "bind", "source": "/tmp", "options": ["ro"], "uidMappings": IDS, "gidMappings": IDS},
    ],
    "hooks": {kind: [HOOK] for kind in bundle.HOOKS},
    "linux": {
        "namespaces": [{"type": kind, "path": ""} for kind in bundle.NAMESPACES],
        "uidMappings": IDS, "gidMappings": IDS, "cgroupsPath": "/a/b", "sysctl": {"net.ipv4.ip_forward": "1"},
        "devices": [{"path": "/dev/x", "type": "c", "major": 1, "minor": 3, "fileMode": 438, "uid": 0, "gid": 0}],
        "maskedPaths": ["/a"], "readonlyPaths": ["/b"], "rootfsPropagation": "private",
        "personality": {"domain": "LINUX"}, "timeOffsets": {"monotonic": {"secs": 1, "nanosecs": 2}},
        "seccomp": {
            "defaultAction": "SCMP_ACT_ALLOW", "defaultErrnoRet": 1, "architectures": ["SCMP_ARCH_X86_64"],
            "flags": ["SECCOMP_FILTER_FLAG_LOG"], "listenerPath": "/x", "listenerMetadata": "y",
            "syscalls": [{
                "names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "errnoRet": 2,
                "args": [{"index": 0, "value": 1, "valueTwo": 2, "op": "SCMP_CMP_EQ"}],
            }],
        },
        "resources": {
            "devices": [{"allow": True, "type": "c", "major": 1, "minor": 2, "access": "rwm"}],
            "memory": {
                "limit": 100, "reservation": 50, "swap": 200, "kernelTCP": 1, "swappiness": 5,
                "disableOOMKiller": False, "useHierarchy": True, "checkBeforeUpdate": True,
            },
            "cpu": {
                "shares": 5, "quota": 1000, "burst": 10, "period": 1000, "realtimeRuntime": 5,
                "realtimePeriod": 6, "cpus": "0", "mems": "0", "idle": 0,
            },
            "blockIO": {
                "weight": 10, "leafWeight": 10, **{key: [THROTTLE] for key in limits.THROTTLES},
                "weightDevice": [{"major": 1, "minor": 2, "weight": 10, "leafWeight": 10}],
            },
            "hugepageLimits": [{"pageSize": "2MB", "limit": 5}], "pids": {"limit": 5},
            "network": {"classID": 5, "priorities": [{"name": "eth0", "priority": 4}]},
            "rdma": {"mlx": {"hcaHandles": 1, "hcaObjects": 2}},
        },
    },
}  # fmt: skip
OTHERS: dict[type, list[Any]] = {
    str: [7, True, ["x"], {"x": "y"}, 1.5], int: ["7", True, [1], {"x": 1}, 1.5, 1 << 70, -(1 << 70)],
    bool: ["true", 1, [], {}], list: ["x", 5, {"a": 1}, True], dict: ["x", 5, [1], True],
}  # fmt: skip


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield each value, and the keys that lead there."""
    if way:
        yield way, value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from places(one, (*way, key))


def read(way: tuple[Any, ...] = (), value: Any = None) -> None:
    """Read the whole, with another value at one place, as `create` does."""
    config = copy.deepcopy(WHOLE)
    place: Any = config
    for key in way[:-1]:
        place = place[key]
    if way:
        place[way[-1]] = value
    found = bundle.read("/tmp", "box", json.dumps(config))
    groups.path_of(found.cgroup, "box")
    limits.version_1(found.resources)
    device_rules.program(device_rules.read(found.resources) or [])
    if way[:2] in ((), ("linux", "seccomp")):  # the rest of it is read when it is compiled
        profile.rules(profile.read(found.seccomp, "here"), "here", "x86_64", set(), (6, 1))


def test_the_whole_is_read() -> None:
    read()


@pytest.mark.parametrize("section", list(WHOLE))
def test_a_value_of_another_type_is_refused(section: str) -> None:
    for way, right in places({section: WHOLE[section]}):
        for wrong in OTHERS[type(right)]:
            try:
                read(way, wrong)
            except MinidockerError:
                continue
            pytest.fail(f"{'.'.join(map(str, way))} may be {wrong!r}")


NEGATIVE = [
    ("process", "user", "umask"), ("process", "rlimits", 0, "soft"), ("process", "rlimits", 0, "hard"),
    ("linux", "devices", 0, "fileMode"), ("linux", "devices", 0, "major"), ("linux", "devices", 0, "uid"),
    ("linux", "seccomp", "defaultErrnoRet"), ("linux", "seccomp", "syscalls", 0, "errnoRet"),
    ("linux", "seccomp", "syscalls", 0, "args", 0, "value"), ("linux", "timeOffsets", "monotonic", "nanosecs"),
    ("linux", "resources", "cpu", "shares"), ("linux", "resources", "cpu", "period"),
    ("linux", "resources", "blockIO", "weight"), ("linux", "resources", "memory", "swappiness"),
    ("linux", "resources", "hugepageLimits", 0, "limit"), ("linux", "resources", "network", "classID"),
    ("linux", "resources", "rdma", "mlx", "hcaHandles"), ("hooks", "prestart", 0, "timeout"),
]  # fmt: skip


@pytest.mark.parametrize("way", NEGATIVE, ids=lambda way: ".".join(map(str, way)))
def test_what_has_no_sign_is_not_below_nothing(way: tuple[Any, ...]) -> None:
    with pytest.raises(MinidockerError, match=str(way[-1])):
        read(way, -1)


@pytest.mark.parametrize("version", ["1.0.0", "1.0.2-dev", "1.3.0+dev", "1.0.0-rc5-dev", "1.1.0"])
def test_versions_that_we_know(version: str) -> None:
    read(("ociVersion",), version)


@pytest.mark.parametrize(
    ("way", "value", "words"),
    [
        (("ociVersion",), "2.0.0", "is of version 2.0.0"), (("ociVersion",), "1", "is of version 1"),
        (("ociVersion",), "1.0.x", "is of version"), (("ociVersion",), "", "ociVersion is missing"),
        (("process", "user", "uid"), 4294967295, "is nobody's id"),
        (("process", "user", "gid"), 4294967295, "is nobody's id"),  # it was the caller's
        (("linux", "devices", 0, "major"), 4096, "from 0 to 2^12"),
        (("linux", "devices", 0, "minor"), 1 << 20, "from 0 to 2^20"),
    ],
)  # fmt: skip
def test_what_linux_does_not_have(way: tuple[Any, ...], value: Any, words: str) -> None:
    with pytest.raises(MinidockerError, match=re.escape(words)):
        read(way, value)


@pytest.mark.parametrize(
    ("scheduler", "words"),
    [
        ({"policy": "SCHED_OTHER", "nice": 20}, "invalid scheduler.nice: 20"),
        ({"policy": "SCHED_OTHER", "nice": -21}, "invalid scheduler.nice: -21"),
        ({"policy": "SCHED_BATCH", "priority": 1}, "priority can only be specified for SchedFIFO or SchedRR"),
        ({"policy": "SCHED_FIFO", **TIMES}, "can only be specified for SchedDeadline"),
        ({"nice": 1}, "scheduler.policy is missing"),
        ({"policy": "SCHED_NOSUCH"}, "is none"),
    ],
)  # fmt: skip
def test_a_scheduler_that_contradicts_itself(scheduler: dict[str, Any], words: str) -> None:
    with pytest.raises(MinidockerError, match=words):
        read(("process", "scheduler"), scheduler)
