"""Alike: an OCI configuration that asks for what a plain run of ours does.

Only then do times compare: the same namespaces, capabilities, masks, mounts of /proc and /dev, and
the same seccomp profile. What cannot be the same is said beside the table (report.py).
"""

from __future__ import annotations

import json
import os
from typing import Any

from minidocker.kernel.flags import DEFAULT_CAPABILITIES
from minidocker.seccomp import cache, calls, profile
from minidocker.stages.masks import MASKED, READ_ONLY

NAMESPACES = ("pid", "network", "ipc", "uts", "mount", "cgroup")


def make_alike(bundle: str) -> None:
    """Change what `runc spec` wrote into what a plain `minidocker run` asks the kernel for."""
    file = os.path.join(bundle, "config.json")
    with open(file, encoding="utf-8") as text:
        config = json.load(text)
    kept = list(DEFAULT_CAPABILITIES)
    config["root"]["readonly"] = False
    config["process"].update(
        noNewPrivileges=False, rlimits=[],
        capabilities=dict.fromkeys(("bounding", "effective", "permitted"), kept),
    )  # fmt: skip
    config["linux"].update(
        namespaces=[{"type": name} for name in NAMESPACES],
        maskedPaths=list(MASKED), readonlyPaths=list(READ_ONLY), seccomp=seccomp(set(kept)),
    )  # fmt: skip
    with open(file, "w", encoding="utf-8") as text:
        json.dump(config, text)


def seccomp(caps: set[str]) -> dict[str, Any]:
    """Return our default profile as the runtime specification wants it: what holds here only."""
    with open(os.path.join(cache.HERE, "default.json"), encoding="utf-8") as text:
        whole = json.load(text)
    system = os.uname()
    kernel = profile.version(system.release)
    architectures = [
        name
        for entry in whole["archMap"]
        if calls.DOCKER.get(entry["architecture"]) == calls.machine(system.machine)
        for name in (entry["architecture"], *entry["subArchitectures"])
    ]
    rules = [
        {name: entry[name] for name in ("names", "action", "errnoRet", "args") if name in entry}
        for entry in whole["syscalls"]
        if profile.wanted(entry, system.machine, caps, kernel)
    ]
    return {"defaultAction": whole["defaultAction"], "defaultErrnoRet": whole["defaultErrnoRet"],
            "architectures": architectures, "syscalls": rules}  # fmt: skip
