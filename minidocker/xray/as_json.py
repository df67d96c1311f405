"""An x-ray as plain data, with a stable shape: what `minidocker xray --json` prints."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from minidocker.proc import processes
from minidocker.proc.mount_kinds import KERNEL, Seen
from minidocker.xray.facts import DOCKER_CAPABILITIES, Facts, covering
from minidocker.xray.holes import Hole
from minidocker.xray.report import headline
from minidocker.xray.shared import shared

VERSION = 1  # a field may be added, none changes its meaning
_MAP = ("inside", "outside", "count")


def as_dict(facts: Facts, found: list[Hole]) -> dict[str, Any]:
    """Return what `--json` prints; every key is always there, None or empty where unknown."""
    process = facts.process
    return {
        "version": VERSION,
        "pid": process.pid,
        "compared_with": facts.me,
        "pids": list(process.nspid),
        "ppid": process.ppid,
        "name": process.name,
        "command": list(process.command),
        "state": processes.STATES.get(process.state, process.state),
        "uid": process.uid,
        "kernel_thread": process.kernel_thread,
        "engine": {"name": facts.engine[0], "id": facts.engine[1]} if facts.engine else None,
        "summary": headline(facts),
        "namespaces": {
            name: {"inode": facts.namespaces.get(name), "mine": inode, "shared": facts.shares(name)}
            for name, inode in facts.mine.items()
        },
        "processes": facts.together,
        "root": {"path": facts.root, "shared": facts.same_root, **_overlay(facts)},
        "mounts": [_mount(item) for item in facts.seen],
        "cgroup": _cgroup(facts),
        "capabilities": {
            **{name: list(held) for name, held in facts.capabilities.items()},
            "beyond_docker": [
                name
                for name in facts.capabilities.get("effective", ())
                if name not in DOCKER_CAPABILITIES
            ],
        },
        "seccomp": {"mode": facts.seccomp or None, "filters": facts.filters},
        "no_new_privs": facts.no_new_privs,
        "label": facts.label,
        "rlimits": {
            name: {"soft": soft, "hard": hard} for name, (soft, hard) in facts.rlimits.items()
        },
        "uid_map": [dict(zip(_MAP, row, strict=True)) for row in facts.uid_map],
        "gid_map": [dict(zip(_MAP, row, strict=True)) for row in facts.gid_map],
        "one_kernel": {
            **facts.kernel,
            "reach": {line.what: {"state": line.state, "why": line.seen} for line in shared(facts)},
        },
        "holes": [asdict(hole) for hole in found],
        "unread": dict(facts.unread),
    }


def _overlay(facts: Facts) -> dict[str, Any]:
    root = covering(facts.seen, "/")
    return {
        "fstype": root.mount.fstype if root else None,
        "read_only": root.read_only if root else None,
        "lower": list(root.lower) if root else [],
        "upper": root.upper if root else "",
    }


def _mount(item: Seen) -> dict[str, Any]:
    return {
        "point": item.mount.point,
        "fstype": item.mount.fstype,
        "source": item.mount.source,
        "kind": item.kind,
        "host_path": item.host_path,
        "read_only": item.read_only,
        "propagation": item.mount.propagation,
        "options": list(item.mount.options),
        "note": KERNEL.get(item.mount.fstype, ""),
    }


def _cgroup(facts: Facts) -> dict[str, Any]:
    place, group = facts.cgroup, facts.group
    told: dict[str, Any] = {
        "kind": place.kind if place else None,
        "path": place.path if place else "",
        "directory": place.directory if place else "",
        "shared": facts.same_cgroup,
        "limits": dict(group.limits) if group else {},
        "use": {},
    }
    for name in ("memory_limit", "pids_limit", "cpu_limit"):
        limit = getattr(facts, name)
        told[name] = {"value": limit[0], "set_by": limit[1]} if limit else None
    if group:
        told["use"] = {
            "memory": group.memory, "swap": group.swap, "pids": group.pids,
            "cpu": dict(group.cpu), "memory_events": dict(group.events),
            "pressure": dict(group.pressure), "frozen": group.frozen,
        }  # fmt: skip
    return told
