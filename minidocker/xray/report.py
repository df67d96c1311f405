"""An x-ray told as lines for people, section by section."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from minidocker.kernel.flags import CAPABILITIES
from minidocker.proc import processes
from minidocker.proc.mount_kinds import Seen
from minidocker.proc.usage import bytes_text
from minidocker.xray.facts import DOCKER_CAPABILITIES, Facts, covering, full_map, reachable
from minidocker.xray.line import GIVEN, OWN, PLAIN, UNKNOWN, YOURS, Line
from minidocker.xray.shared import shared


def lines(facts: Facts) -> list[Line]:
    """Return the report, section by section: namespaces, view, limits, power, one kernel."""
    walls = [*_namespaces(facts), *_view(facts), *_limits(facts), *_power(facts)]
    return walls + shared(facts)


def headline(facts: Facts) -> str:
    """Say in a sentence what it is, and how much of it is walled in."""
    own = facts.own
    if facts.process.kernel_thread:
        return "A thread of the kernel: no program, and nothing to contain."
    if facts.process.zombie:
        return "A zombie: it has ended, and waits for its parent to ask how."
    if not facts.namespaces:
        return "Its namespaces cannot be read by this user."
    who = f"{facts.engine[0]} container {facts.engine[1]}, " if facts.engine else ""
    told = f"{len(own)} of {len(facts.mine)} namespaces of its own"
    if own:
        return f"{who}{told}: {', '.join(own)}."
    root = "and your root" if facts.same_root else "with another root"
    return f"{who}no namespace of its own, {root}."


def pids(facts: Facts) -> str:
    """Tell its number on each level: "4242 here, 1 in its own namespace"."""
    levels = facts.process.nspid
    if len(levels) == 1:
        return f"{levels[0]} here; it has no other number"
    between = "".join(f", {level} one level down" for level in levels[1:-1])
    return f"{levels[0]} here{between}, {levels[-1]} in its own pid namespace"


def _namespaces(facts: Facts) -> Iterator[Line]:
    why = facts.unread.get("namespaces", "not readable")
    for name in facts.mine or processes.NAMESPACES:
        shared, inode = facts.shares(name), facts.namespaces.get(name)
        if inode is None:
            state = UNKNOWN if shared is None else YOURS if shared else OWN
            yield Line("namespaces", name, state, "given up" if facts.namespaces else why)
            continue
        seen = str(inode) if shared else f"{inode}   (yours is {facts.mine[name]})"
        if name == "pid" and facts.together and not shared:
            seen += f"; {facts.together} process{'es' if facts.together != 1 else ''} in it"
        yield Line("namespaces", name, YOURS if shared else OWN, seen)


def _view(facts: Facts) -> Iterator[Line]:
    state = {True: YOURS, False: OWN, None: UNKNOWN}[facts.same_root]
    root = covering(facts.seen, "/")
    if facts.same_root is None:
        yield Line("view", "root", UNKNOWN, facts.unread.get("root", ""))
    else:
        yield Line("view", "root", state, _root(facts, root))
    if root is not None and root.kind == "overlay":
        yield Line("view", "upper", PLAIN, root.upper or "none: the root is read-only")
        for number, layer in enumerate(root.lower, 1):
            yield Line("view", f"lower {number}", PLAIN, layer)
    if not facts.seen:
        yield Line("view", "mounts", UNKNOWN, facts.unread.get("mounts", ""))
        return
    yield Line("view", "mounts", PLAIN, _mounts(facts))
    if facts.shares("mnt") is False:
        for item in reachable(facts):
            if item.kind in ("host", "engine") and item is not root:
                how = ", read-only" if item.read_only else ""
                whose = YOURS if item.kind == "host" else GIVEN
                yield Line("view", item.mount.point, whose, f"is your {item.host_path}{how}")


def _root(facts: Facts, root: Seen | None) -> str:
    if facts.same_root:
        return "the same directory as yours"
    if root is None:
        return f"{facts.root}, which is no mount (chroot)"
    if root.kind == "overlay":
        count = len(root.lower)
        return f"an overlay of {count} layer{'s' if count != 1 else ''}"
    where = f", which is your {root.host_path}" if root.host_path else ""
    return f"{root.mount.fstype} {root.mount.source}{where}"


def _mounts(facts: Facts) -> str:
    if facts.shares("mnt"):
        return f"{len(facts.seen)}, your own table"
    kinds = [
        (sum(item.kind == "kernel" for item in facts.seen), "of the kernel"),
        (sum(item.kind == "memory" for item in facts.seen), "in memory"),
        (sum(item.kind == "device" for item in facts.seen), "single devices"),
        (sum(item.kind == "engine" for item in facts.seen), "files of its engine"),
        (sum(item.kind == "host" for item in facts.seen), "from your machine"),
    ]
    return f"{len(facts.seen)}: " + ", ".join(f"{n} {words}" for n, words in kinds if n)


def _limits(facts: Facts) -> Iterator[Line]:
    if facts.cgroup is None:
        yield Line("limits", "cgroup", UNKNOWN, facts.unread.get("cgroup", ""))
        return
    state = {True: YOURS, False: OWN, None: UNKNOWN}[facts.same_cgroup]
    where = facts.cgroup.path or "no line for version 2"
    yield Line("limits", "cgroup", state, where)
    if note := CGROUP_NOTES[facts.cgroup.kind]:
        yield Line("limits", "limits", UNKNOWN, note)
    if facts.group is None:
        if facts.cgroup.kind == "pure":
            yield Line("limits", "directory", UNKNOWN, "outside of the tree that you see")
        return
    group = facts.group
    if facts.cgroup.kind == "pure":
        yield _limit("memory", bytes_text(group.memory), facts.memory_limit, facts, bytes_text)
        yield _limit("pids", str(group.pids or "?"), facts.pids_limit, facts, str)
        used = f"{group.cpu.get('usage_usec', 0) / 1e6:.1f} s used"
        yield _limit("cpu", used, facts.cpu_limit, facts, lambda share: f"{share:g} processors")
        if group.cpu.get("nr_throttled"):
            seen = f"in {group.cpu['nr_throttled']} of {group.cpu.get('nr_periods', 0)} periods"
            yield Line("limits", "throttled", PLAIN, seen)
    if group.pressure and facts.same_cgroup is False:
        told = ", ".join(f"{name} {value:g} %" for name, value in group.pressure.items())
        yield Line("limits", "pressure", PLAIN, f"{told} of the last 10 seconds")


CGROUP_NOTES = {
    "pure": "",
    "hybrid": "a hybrid machine: they sit on version 1, which is not read",
    "v1": "only version 1 is mounted here, which is not read",
    "none": "no cgroup file system is mounted here",
}


def _limit(what: str, used: str, limit: Any, facts: Facts, told: Any) -> Line:
    if limit is None:
        return Line("limits", what, YOURS, f"{used}, no limit")
    number, directory = limit
    above = "" if facts.group and directory == facts.group.directory else f" (set by {directory})"
    return Line("limits", what, OWN, f"{used} of {told(number)}{above}")


def _power(facts: Facts) -> Iterator[Line]:
    effective = set(facts.capabilities.get("effective", ()))
    if "rights" in facts.unread:
        yield Line("power", "capabilities", UNKNOWN, facts.unread["rights"])
    for name in ("effective", "permitted", "bounding"):
        held = facts.capabilities.get(name, ())
        if name == "effective":
            state = YOURS if effective - DOCKER_CAPABILITIES else OWN
            yield Line("power", "capabilities", state, capability_text(held))
        elif name in facts.capabilities:
            same = "the same set" if set(held) == effective else capability_text(held)
            yield Line("power", name, PLAIN, same)
    if missing := DOCKER_CAPABILITIES - effective:
        names = [n.removeprefix("CAP_") for n in CAPABILITIES if n in missing]
        yield Line("power", "less", PLAIN, f"than Docker gives: no {', '.join(names)}")
    filters = f", {facts.filters} filter{'s' * (facts.filters != 1)}" if facts.filters else ""
    state = {"off": YOURS, "": UNKNOWN}.get(facts.seccomp, OWN)
    yield Line("power", "seccomp", state, (facts.seccomp or "not told") + filters)
    told = {True: (OWN, "on"), False: (YOURS, "off"), None: (UNKNOWN, "not told")}
    yield Line("power", "no_new_privs", *told[facts.no_new_privs])
    label = facts.label or "none: no security module gives labels here"
    confined = facts.label is not None and not facts.label.startswith("unconfined")
    yield Line("power", "label", OWN if confined else YOURS if facts.label else PLAIN, label)
    yield from _numbers(facts)


def _numbers(facts: Facts) -> Iterator[Line]:
    for name, rows in (("uid map", facts.uid_map), ("gid map", facts.gid_map)):
        if full_map(rows):
            yield Line("power", name, YOURS, "none: its numbers are yours")
        elif rows:
            told = "; ".join(f"{a} inside is {b} here ({n})" for a, b, n in rows)
            yield Line("power", name, OWN, told)
    limits = [
        f"{name} {'/'.join(dict.fromkeys(pair))}"
        for name, pair in facts.rlimits.items()
        if pair != ("unlimited", "unlimited")
    ]
    if facts.rlimits:
        yield Line("power", "rlimits", PLAIN, ", ".join(limits) or "none of note")


def capability_text(held: tuple[str, ...]) -> str:
    """Tell a set of capabilities beside Docker's: "15: Docker's 14, and 1 more"."""
    names, docker = set(held), DOCKER_CAPABILITIES
    beyond = [n.removeprefix("CAP_") for n in held if n not in docker]
    if not held:
        return "none"
    if names == docker:
        return f"{len(held)}: exactly Docker's set"
    if not beyond:
        kept = ", ".join(n.removeprefix("CAP_") for n in held)
        return f"{len(held)}, all of them in Docker's set: {kept}"
    missing = [n.removeprefix("CAP_") for n in CAPABILITIES if n not in names]
    if len(missing) < len(beyond):
        return f"{len(held)}: all{' but ' + ', '.join(missing) if missing else ''}"
    known = len(names & docker)
    own = "Docker's 14" if known == len(docker) else f"{known} of Docker's 14"
    return f"{len(held)}: {own}, and {len(beyond)} more: {', '.join(beyond)}"
