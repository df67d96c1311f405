"""Profile: a seccomp profile in Docker's format, and the rules that hold in one situation.

A rule of the profile may depend on the machine (`arches`, `minKernel`) and on the capabilities
that the container keeps (`caps`). docs.docker.com/engine/security/seccomp
"""

from __future__ import annotations

import json

from minidocker.errors import UsageError
from minidocker.seccomp import calls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

EPERM, ENOSYS = 1, 38
# seccomp(2): the verdict's high half; the low half is the errno of ERRNO
ACTIONS = {
    "SCMP_ACT_KILL": 0, "SCMP_ACT_KILL_THREAD": 0, "SCMP_ACT_KILL_PROCESS": 0x80000000,
    "SCMP_ACT_TRAP": 0x00030000, "SCMP_ACT_ERRNO": 0x00050000, "SCMP_ACT_NOTIFY": 0x7FC00000,
    "SCMP_ACT_TRACE": 0x7FF00000, "SCMP_ACT_LOG": 0x7FFC0000, "SCMP_ACT_ALLOW": 0x7FFF0000,
}  # fmt: skip
NOTIFY = "SCMP_ACT_NOTIFY"  # a listener is asked what shall be: seccomp_unotify(2)
ERRNO, KILL_PROCESS = ACTIONS["SCMP_ACT_ERRNO"], ACTIONS["SCMP_ACT_KILL_PROCESS"]
WITH_DATA = ("SCMP_ACT_ERRNO", "SCMP_ACT_TRACE")
COMPARISONS = ("EQ", "NE", "LT", "LE", "GE", "GT", "MASKED_EQ")


class Rules:
    """What a profile says here: ABI → {number: [(conditions, verdict), …]}, and the default.

    A condition is (index of the argument, comparison, value, value two). All conditions of a
    pair must hold; the first pair that holds decides. `known` is ABI → the highest number that
    the profile names: a call above it is newer than the profile.
    """

    def __init__(self, default: int) -> None:
        self.default = default
        self.calls: dict[str, dict[int, list[tuple[list[tuple[Any, ...]], int]]]] = {}
        self.known: dict[str, int] = {}


def read(text: str, where: str) -> dict[str, Any]:
    """Parse a profile; UsageError with the place when it is none."""
    try:
        profile = json.loads(text)
    except ValueError as problem:
        raise UsageError(
            f"{where} is not JSON: {problem}", f"python3 -m json.tool {where}"
        ) from None
    if not isinstance(profile, dict) or "defaultAction" not in profile:
        raise UsageError(
            f"{where} is no seccomp profile: it has no defaultAction", "Docker's format"
        )
    return profile


def refuse_questions(profile: dict[str, Any], where: str) -> None:
    """Refuse a profile that asks a listener, where there is none: such a call would wait."""
    entries = [{"action": profile["defaultAction"]}, *(profile.get("syscalls") or [])]
    if any(entry.get("action") == NOTIFY for entry in entries):
        raise UsageError(
            f"{where}: {NOTIFY} asks a program that listens, and here is none",
            "another action, or: minidocker oci, with seccomp.listenerPath in config.json",
            docker="seccomp listenerPath is not set",
        )


def rules(
    profile: dict[str, Any], where: str, machine: str, caps: set[str], kernel: tuple[int, int]
) -> Rules:
    """Choose the rules that hold on `machine` for a container that keeps `caps`.

    Unknown names are left out, as Docker does: they are calls of other machines or of newer
    kernels. A word that is not in Docker's format raises UsageError.
    """
    default = verdict(profile, "defaultAction", "defaultErrnoRet", where)
    chosen = Rules(default)
    table = calls.numbers()
    for abi in abis(profile, machine, where):
        chosen.calls[abi] = {}
        for entry in profile.get("syscalls") or []:
            if wanted(entry, machine, caps, kernel):
                found = verdict(entry, "action", "errnoRet", where)
                groups = alternatives(entry.get("args") or [], where)
                for name in entry.get("names") or [entry.get("name", "")]:
                    number = table[abi].get(name)
                    if number is not None and found != default:
                        pairs = chosen.calls[abi].setdefault(number, [])
                        pairs += [(group, found) for group in groups]
        entries = profile.get("syscalls") or []
        named = [name for entry in entries for name in entry.get("names") or []]
        numbers = (table[abi].get(name, 0) for name in named)
        # x32's own calls begin at 512, arm's at 0x0F0002: no new call comes there
        chosen.known[abi] = max((n for n in numbers if n & ~calls.X32 < calls.OWN), default=0)
    return chosen


def abis(profile: dict[str, Any], machine: str, where: str) -> list[str]:
    """Name the ABIs that the profile speaks of on this machine, the machine's own first."""
    native = calls.machine(machine)
    if native not in calls.GO:
        raise UsageError(
            f"no table of system calls for {machine}", "--security-opt seccomp=unconfined"
        )
    found = [native]
    for entry in profile.get("archMap") or []:
        if calls.DOCKER.get(entry.get("architecture")) == native:
            found += [calls.DOCKER.get(name, "") for name in entry.get("subArchitectures") or []]
    found += [calls.DOCKER.get(name, "") for name in profile.get("architectures") or []]
    family = ("x86_64", "i386", "x32") if native == "x86_64" else ("aarch64", "arm")
    return [abi for abi in family if abi in found]


def wanted(entry: dict[str, Any], machine: str, caps: set[str], kernel: tuple[int, int]) -> bool:
    """Say whether an entry's `includes` hold and its `excludes` do not."""
    go = calls.GO[calls.machine(machine)]
    includes, excludes = entry.get("includes") or {}, entry.get("excludes") or {}
    if includes.get("arches") and go not in includes["arches"]:
        return False
    if go in (excludes.get("arches") or []) or caps & set(excludes.get("caps") or []):
        return False
    if not set(includes.get("caps") or []) <= caps:
        return False
    least, below = includes.get("minKernel"), excludes.get("minKernel")
    return not (least and kernel < version(least)) and not (below and kernel >= version(below))


def version(text: str) -> tuple[int, int]:
    """Read "4.8" or "6.1.0-13-amd64": (4, 8), (6, 1)."""
    major, _, rest = text.partition(".")
    minor = ""
    for letter in rest:
        if not letter.isdigit():
            break
        minor += letter
    return int(major), int(minor or 0)


def verdict(entry: dict[str, Any], action: str, errno: str, where: str) -> int:
    """Turn an action and its errno into the number that a filter returns."""
    word = entry.get(action)
    if word not in ACTIONS:
        raise UsageError(f"{where}: {word} is no action that we know", ", ".join(ACTIONS))
    number = entry.get(errno)
    data = (EPERM if number is None else int(number)) & 0xFFFF
    return ACTIONS[word] | (data if word in WITH_DATA else 0)


def alternatives(args: list[dict[str, Any]], where: str) -> list[list[tuple[Any, ...]]]:
    """Read conditions: all must hold; but two on the same argument are alternatives, as in runc."""
    read = []
    for arg in args:
        comparison = str(arg.get("op", "")).removeprefix("SCMP_CMP_")
        if comparison not in COMPARISONS or not 0 <= int(arg.get("index", -1)) < 6:
            raise UsageError(f"{where}: {arg} is no condition", "index 0 to 5, op SCMP_CMP_EQ…")
        word = 0xFFFFFFFFFFFFFFFF
        value, two = (int(arg.get(key) or 0) & word for key in ("value", "valueTwo"))
        read.append((int(arg["index"]), comparison, value, two))
    if len({condition[0] for condition in read}) < len(read):
        return [[condition] for condition in read]
    return [read]
