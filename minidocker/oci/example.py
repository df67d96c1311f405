"""An example of a config.json, and what this runtime says that it can do."""

from __future__ import annotations

import os

from minidocker.kernel.flags import CAPABILITIES
from minidocker.oci.bundle import HOOKS, NAMESPACES
from minidocker.oci.mount_options import FLAGS, PROPAGATION
from minidocker.oci.seccomp_of import FILTER_FLAGS
from minidocker.seccomp.profile import ACTIONS, COMPARISONS
from minidocker.spec.spec import DEFAULT_PATH
from minidocker.stages.masks import MASKED, READ_ONLY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

KEPT = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
SAFE = ["nosuid", "noexec", "nodev"]


def example(rootless: bool) -> dict[str, Any]:
    """Return a bundle's configuration: a shell in ./rootfs, with a terminal. runc-spec(8)"""
    pts = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]
    sys = mount("/sys", "sysfs", "sysfs", [*SAFE, "ro"])
    if rootless:
        sys = mount("/sys", "none", "/sys", ["rbind", "nosuid", "noexec", "nodev", "ro"])
    found: dict[str, Any] = {
        "ociVersion": "1.2.0",
        "process": {
            "terminal": True, "user": {"uid": 0, "gid": 0}, "args": ["sh"],
            "env": [f"PATH={DEFAULT_PATH}", "TERM=xterm"], "cwd": "/",
            "capabilities": dict.fromkeys(("bounding", "effective", "permitted"), KEPT),
            "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
            "noNewPrivileges": True,
        },
        "root": {"path": "rootfs", "readonly": True},
        "hostname": "minidocker",
        "mounts": [
            mount("/proc", "proc", "proc", []),
            mount("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
            mount("/dev/pts", "devpts", "devpts", pts if rootless else [*pts, "gid=5"]),
            mount("/dev/shm", "tmpfs", "shm", [*SAFE, "mode=1777", "size=65536k"]),
            mount("/dev/mqueue", "mqueue", "mqueue", SAFE), sys,
            mount("/sys/fs/cgroup", "cgroup", "cgroup", [*SAFE, "relatime", "ro"]),
        ],
        "linux": {
            "namespaces": [{"type": name} for name in ("pid", "network", "ipc", "uts", "mount")],
            "maskedPaths": list(MASKED), "readonlyPaths": list(READ_ONLY),
        },
    }  # fmt: skip
    if os.path.exists("/sys/fs/cgroup/cgroup.controllers"):  # all of version 2
        found["linux"]["namespaces"].append({"type": "cgroup"})
    if rootless:
        found["linux"]["namespaces"].remove({"type": "network"})  # as in runc: the caller's
        found["linux"]["namespaces"].append({"type": "user"})
        for key, id in (("uidMappings", os.geteuid()), ("gidMappings", os.getegid())):
            found["linux"][key] = [{"containerID": 0, "hostID": id, "size": 1}]
    else:
        found["linux"]["resources"] = {"devices": [{"allow": False, "access": "rwm"}]}
    return found


def mount(destination: str, type: str, source: str, options: list[str]) -> dict[str, Any]:
    """Return one entry of `mounts`."""
    return {"destination": destination, "type": type, "source": source, "options": options}


def features() -> dict[str, Any]:
    """Return the table of features, made from what the reader and the stages know. features.md"""
    words = [*FLAGS, *PROPAGATION, *(f"r{word}" for word in PROPAGATION), "bind", "rbind",
             "idmap", "ridmap", "tmpcopyup"]  # fmt: skip
    return {
        "ociVersionMin": "1.0.0", "ociVersionMax": "1.3.0", "hooks": list(HOOKS),
        "mountOptions": sorted(words),
        "linux": {
            "namespaces": sorted(NAMESPACES), "capabilities": list(CAPABILITIES),
            "cgroup": {"v1": True, "v2": True, "systemd": False, "systemdUser": False},
            "seccomp": {
                "enabled": True, "actions": sorted(ACTIONS), "archs": ["SCMP_ARCH_X86_64",
                "SCMP_ARCH_X86", "SCMP_ARCH_X32", "SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
                "knownFlags": list(FILTER_FLAGS), "supportedFlags": list(FILTER_FLAGS),
                "operators": [f"SCMP_CMP_{name}" for name in COMPARISONS],
            },
            "apparmor": {"enabled": True}, "selinux": {"enabled": False},
            "intelRdt": {"enabled": False}, "mountExtensions": {"idmap": {"enabled": True}},
        },
    }  # fmt: skip
