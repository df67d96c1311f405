"""What no namespace covers: there is one for the whole machine, and how far this process reaches.

The state of a line is "yours" where the process may read or change what is yours, "closed" where
it only lacks the right to, and "own" where its user namespace keeps it apart.
"""

from __future__ import annotations

from collections.abc import Iterator

from minidocker.xray.facts import Facts, covering
from minidocker.xray.line import CLOSED, OWN, UNKNOWN, YOURS, Line

SECTION = "one kernel"


def shared(facts: Facts) -> list[Line]:
    """Return a line for each thing; none for a thread of the kernel or a zombie."""
    if facts.process.kernel_thread or facts.process.zombie or not facts.kernel:
        return []
    return [Line(SECTION, what, state, seen) for what, state, seen in _all(facts)]


def may(facts: Facts, capability: str) -> bool:
    """Whether it has a capability that counts for the whole machine: in no user namespace."""
    return facts.shares("user") is not False and capability in facts.capabilities.get(
        "effective", ()
    )


def reads_log(facts: Facts) -> bool:
    """Whether it may read the kernel's log, if no filter forbids the call. syslog(2)"""
    return facts.kernel.get("dmesg_restrict") == "0" or may(facts, "CAP_SYSLOG")


def _all(facts: Facts) -> Iterator[tuple[str, str, str]]:
    kernel = facts.kernel
    boot = f"   (booted as {kernel['boot_id'][:8]})" if "boot_id" in kernel else ""
    yield "kernel", YOURS, f"Linux {kernel.get('release', '?')}{boot}"
    yield "time of day", *_right(facts, "CAP_SYS_TIME", "it may set it for all", "it cannot set it")
    yield "kernel log", *_log(facts)
    yield "keyrings", *_keyrings(facts)
    yield "modules", *_modules(facts)
    yield "sysctl", *_sysctl(facts)


def _right(facts: Facts, capability: str, yes: str, no: str) -> tuple[str, str]:
    if "rights" in facts.unread:
        return UNKNOWN, facts.unread["rights"]
    return (YOURS, yes) if may(facts, capability) else (CLOSED, f"{no}   (no {capability})")


def _log(facts: Facts) -> tuple[str, str]:
    if not reads_log(facts):
        return CLOSED, "it cannot read it   (dmesg_restrict is on, and no CAP_SYSLOG)"
    if facts.seccomp == "filter":
        return UNKNOWN, "its filter decides   (syslog(2); else dmesg_restrict lets it read)"
    return YOURS, "it may read it   (dmesg_restrict is off, or it has CAP_SYSLOG)"


def _keyrings(facts: Facts) -> tuple[str, str]:
    if facts.shares("user") is None:
        return UNKNOWN, "its user namespace is not readable"
    if not facts.shares("user"):
        return OWN, "those of its user namespace"
    if facts.seccomp == "filter":
        return UNKNOWN, f"its filter decides   (keyctl(2); else it has user {facts.uid}'s)"
    return YOURS, f"user {facts.uid}'s   (a keyring belongs to a user, not to a container)"


def _modules(facts: Facts) -> tuple[str, str]:
    if "modules" not in facts.kernel:
        return CLOSED, "this kernel takes none"
    if facts.kernel.get("modules_disabled") == "1":
        return CLOSED, "nobody can load more   (modules_disabled is on)"
    count = facts.kernel["modules"]
    return _right(facts, "CAP_SYS_MODULE", f"{count}, it may load more", f"{count}, no more by it")


def _sysctl(facts: Facts) -> tuple[str, str]:
    place = covering(facts.seen, "/proc/sys")
    if not facts.seen:
        return UNKNOWN, facts.unread.get("mounts", "")
    if place is None or place.mount.fstype != "proc":
        return CLOSED, "it has no /proc/sys"
    if facts.host_root and not place.read_only:
        return YOURS, "it may write   (core_pattern and others have one value for all)"
    why = "its /proc/sys is read-only" if place.read_only else "it is not root to the kernel"
    return CLOSED, f"it cannot write   ({why})"
