"""Update: other limits for a container, at once where it runs, and another restart policy."""

from __future__ import annotations

import json
import os
from typing import Any

from minidocker.errors import LAB_MACHINE, Blocked, Conflict, KernelError
from minidocker.images.store.files import write
from minidocker.kernel.linux import Linux
from minidocker.runtime.updated import FILE, POLICY
from minidocker.spec import restart
from minidocker.spec.spec import Resources, Spec
from minidocker.spec.words import Asked
from minidocker.stages.cgroup import PARENT, ROOT, Cgroup

CPU = {"cpus": ("quota", "period"), "quota": ("cpus",), "period": ("cpus",)}  # who replaces whom


def update(record: dict[str, Any], texts: dict[str, str]) -> None:
    """Change one container; `texts` are options' values by their long names.

    UsageError for what contradicts itself; Blocked where there is no cgroup to change.
    """
    policy = texts.get("restart")
    if policy is not None:
        restart.parse(policy, "--restart")
        refuse_policy(record)
    limits = {name: text for name, text in texts.items() if name != "restart"}
    if limits:
        update_limits(record, limits)
    if policy is not None:
        write(f"{record['directory']}/{POLICY}", (policy or "no").encode())


def refuse_policy(record: dict[str, Any]) -> None:
    """Refuse a policy for what nobody would start again."""
    name = record["name"] or record["id"]
    if (record.get("spec") or {}).get("remove"):
        raise Conflict(
            f"{name} goes when it ends: --rm", "run it without --rm", 1,
            docker="Restart policy cannot be updated because AutoRemove is enabled for the "
            "container",
        )  # fmt: skip
    if record["alive"] and not record.get("keeper"):
        raise Conflict(f"{name} runs in the foreground: nobody would start it again",
                       "minidocker run -d --restart …", 1)  # fmt: skip


def update_limits(record: dict[str, Any], texts: dict[str, str]) -> None:
    """Change its limits."""
    before = (record.get("spec") or {}).get("resources") or {}
    asked = Asked("", touch=True)
    for option in Cgroup.options:
        if option.key in texts:
            asked[option.key] = option.value(texts[option.key])
    now = {name: value for name, value in before.items() if name in Resources.__slots__}
    for option in Cgroup.options:
        if option.key in asked:
            for other in CPU.get(option.field.rpartition(".")[2], ()):
                now[other] = None
    spec = Spec(resources=Resources(**now), stages=[], sharing={})
    if "memory" not in asked and "memory-swap" in asked and spec.resources.memory is not None:
        asked["memory"] = spec.resources.memory
    Cgroup.plan(spec, asked)
    if record["alive"]:
        change(record, spec.resources)
    kept = {name: getattr(spec.resources, name) for name in Resources.__slots__}
    write(f"{record['directory']}/{FILE}", json.dumps(kept).encode())


def change(record: dict[str, Any], limits: Resources) -> None:
    """Write the limits into the cgroup of a container that runs."""
    path = str((record.get("facts") or {}).get("cgroup") or "")
    if not path:
        raise Blocked(
            f"container {record['name'] or record['id']} has no cgroup of its own: limits need "
            "cgroup v2 alone on /sys/fs/cgroup", LAB_MACHINE, 1,
        )  # fmt: skip
    kernel, stage = Linux(), Cgroup()
    first = ROOT if path.startswith(f"{PARENT}/") else os.path.dirname(path)
    try:
        stage.write_limits(kernel, limits, path, first, stage.limits(limits))
    except KernelError as problem:
        raise Blocked(
            f"the limits of {record['name'] or record['id']} cannot be changed: {problem}",
            problem.remedy or "minidocker doctor", 1,
        ) from None  # fmt: skip
