"""The bundle's filter: read, and compiled once for each text and each set of capabilities.

runtime-spec, config-linux.md, "Seccomp"
"""

from __future__ import annotations

import os

from minidocker.errors import UsageError
from minidocker.kernel.flags import CAPABILITIES
from minidocker.oci.asked import is_served
from minidocker.seccomp.cache import filter_of
from minidocker.spec.lean_json import to_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from minidocker.oci.config import Part
    from minidocker.oci.kinds import Bundle

NOTIFY = "SCMP_ACT_NOTIFY"
# TSYNC is for other threads: there are none yet.
FILTER_FLAGS = {
    "SECCOMP_FILTER_FLAG_TSYNC": 0, "SECCOMP_FILTER_FLAG_LOG": 2,
    "SECCOMP_FILTER_FLAG_SPEC_ALLOW": 4, "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV": 32,
}  # fmt: skip
NEW_LISTENER, WAIT_KILLABLE = 8, 32
# those of other machines have no rules here
ARCHITECTURES = {
    f"SCMP_ARCH_{name}"
    for name in (
        "X86", "X86_64", "X32", "ARM", "AARCH64", "MIPS", "MIPS64", "MIPS64N32", "MIPSEL",
        "MIPSEL64", "MIPSEL64N32", "PPC", "PPC64", "PPC64LE", "S390", "S390X", "PARISC",
        "PARISC64", "RISCV64", "LOONGARCH64", "M68K", "SH", "SHEB",
    )
}  # fmt: skip


def read_filter(linux: Part) -> dict[str, Any]:
    """Read `seccomp`, as fields of a Bundle."""
    if not linux.has("seccomp"):
        return {"seccomp": "", "seccomp_flags": 0, "listener": None}
    part = linux.part("seccomp")
    if strange := set(part.texts("architectures")) - ARCHITECTURES:
        raise UsageError(f"config.json: {min(strange)} is not a valid arch for seccomp")
    part.natural("defaultErrnoRet")
    asked: list[str] = []
    for rule in part.parts("syscalls"):
        names = rule.texts("names")
        if rule.text("action") == NOTIFY:
            asked += names
        rule.natural("errnoRet")
        for one in rule.parts("args"):
            one.text("op")
            one.natural("valueTwo", 64)
            if None in (one.natural("index"), one.natural("value", 64)):
                raise UsageError(f"config.json: {one.where} has no index, or no value")
    listener, flags = listener_of(part, asked), flags_of(part)
    if listener:
        flags |= NEW_LISTENER
    elif flags & WAIT_KILLABLE:
        raise UsageError(f"config.json: seccomp.flags: WAIT_KILLABLE_RECV is for {NOTIFY}")
    return {"seccomp": to_json(part.values), "seccomp_flags": flags, "listener": listener}


def listener_of(part: Part, asked: list[str]) -> tuple[str, str] | None:
    """Read whom the filter asks; nobody is told of one that asks nothing, as in runc."""
    path, told = part.text("listenerPath"), part.text("listenerMetadata")
    if part.text("defaultAction") == NOTIFY:
        raise UsageError(f"config.json: {NOTIFY} cannot be used as default action", "a list")
    if told and not path:
        raise UsageError("config.json: seccomp.listenerMetadata is for a seccomp.listenerPath")
    if not asked:
        return None
    if "write" in asked:  # by which the listener's descriptor is told
        raise UsageError(f"config.json: {NOTIFY} cannot be used for the write syscall", "pwrite64")
    if not path:
        raise UsageError("config.json: seccomp listenerPath is not set", "the socket of an agent")
    return path, told


def flags_of(part: Part) -> int:
    """Read the flags of the filter. seccomp(2)"""
    flags = 0
    for name in part.texts("flags"):
        if name not in FILTER_FLAGS:
            raise UsageError(
                f"config.json asks for {name}: minidocker does not do that", ", ".join(FILTER_FLAGS)
            )
        flags |= FILTER_FLAGS[name]
    return flags


def with_filter(bundle: Bundle, directory: str) -> None:
    """Put the filter's file into the Spec; it is kept beside the containers' directories."""
    if bundle.seccomp:
        caps = bundle.sets.bounding
        names = [name for number, name in enumerate(CAPABILITIES) if caps >> number & 1]
        root = f"{os.path.dirname(directory)}/.cache"
        where = f"{bundle.directory}/config.json, linux.seccomp"
        try:
            bundle.spec.linux.seccomp = filter_of(root, bundle.seccomp, where, names, caps)
        except (AttributeError, TypeError, ValueError) as problem:  # Docker's own words in there
            raise UsageError(f"{where}: a value has a wrong type: {problem}") from None
        if is_served(bundle):
            from minidocker.seccomp import profile, refusals

            asked = profile.read(bundle.seccomp, where)
            bundle.spec.linux.refused = refusals.listed(asked, os.uname().machine)
