"""Secure: read the options that harden a container, or soften it.

A plain run needs none of this file: its defaults are made by `plain`, all else by `chosen`.
"""

from __future__ import annotations

import os

from minidocker.errors import NotFound, UsageError
from minidocker.kernel.flags import CAPABILITIES, DEFAULT_CAPABILITIES, DEVICES, mask
from minidocker.seccomp.cache import filter_file
from minidocker.spec.spec import Hardening

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from typing import Any

    from minidocker.spec.spec import Process

# option → the stage that does it
OPTIONS = {
    "cap-add": "capabilities", "cap-drop": "capabilities", "security-opt": "seccomp",
    "privileged": "capabilities", "device": "devices", "ulimit": "rlimits",
}  # fmt: skip
# getrlimit(2): --ulimit's names and the kernel's numbers, the same on x86_64 and arm64
ULIMITS = {
    "cpu": 0, "fsize": 1, "data": 2, "stack": 3, "core": 4, "rss": 5, "nproc": 6, "nofile": 7,
    "memlock": 8, "locks": 10, "sigpending": 11, "msgqueue": 12, "nice": 13, "rtprio": 14,
    "rttime": 15,
}  # fmt: skip
UNCONFINED = "unconfined"


def secure(
    options: dict[str, Any], process: Process, stages: list[str], root: str, touch: bool
) -> Hardening:
    """Fill in capabilities, no_new_privs and rlimits of `process`, and return what else is said.

    `root` is the store's directory, where compiled filters lie; `touch` False looks at no file.
    """
    process.capabilities = list(DEFAULT_CAPABILITIES)
    process.no_new_privs, process.rlimits = False, []
    linux = Hardening(devices=[], seccomp="", unmasked=False, privileged=False)
    profile = ""
    for option, stage in OPTIONS.items():
        if options.get(option) and stage not in stages:
            raise UsageError(
                f"--{option} needs the stage {stage}, and --stages leaves it out", f"add {stage}"
            )
    if options.get("privileged"):
        linux.privileged, profile = True, UNCONFINED
        process.capabilities = held(stages) if touch else list(CAPABILITIES)
        linux.devices = host_devices() if touch else []
    for text in options.get("security-opt", []):
        profile = security_option(text, process, linux) or profile
    if "cap-add" in options or "cap-drop" in options:
        process.capabilities = capabilities(
            process.capabilities, options.get("cap-add", []), options.get("cap-drop", []),
            held(stages) if touch else list(CAPABILITIES),
        )  # fmt: skip
    linux.devices += [device(text, touch) for text in options.get("device", [])]
    process.rlimits = [ulimit(text) for text in options.get("ulimit", [])]
    if "seccomp" in stages and profile != UNCONFINED:
        names = process.capabilities
        linux.seccomp = (
            filter_file(root, names, mask(names), profile) if touch else f"{root}/seccomp/default"
        )
    return linux


def security_option(text: str, process: Process, linux: Hardening) -> str:
    """Read one --security-opt; return the seccomp profile that it names, else ""."""
    key, _, value = text.replace(":", "=", 1).partition("=")
    if key == "no-new-privileges" and value in ("", "true", "false"):
        process.no_new_privs = value != "false"
    elif text in ("systempaths=unconfined", "systempaths:unconfined"):
        linux.unmasked = True
    elif key == "seccomp" and value:
        return value
    else:
        raise UsageError(
            f"--security-opt {text!r} is not known",
            "no-new-privileges, seccomp=FILE, seccomp=unconfined, systempaths=unconfined",
        )
    return ""


def capabilities(base: list[str], add: list[str], drop: list[str], held: list[str]) -> list[str]:
    """Apply --cap-add and --cap-drop as Docker does: ALL first, then single names; drop wins.

    A name may stand with or without CAP_, in any case. One that this process itself has not
    cannot be given: UsageError.
    """
    added, dropped = (
        [read_name(n, "--cap-add") for n in add],
        [read_name(n, "--cap-drop") for n in drop],
    )
    names = set(base)
    if "ALL" in dropped:
        names = set()
    if "ALL" in added:
        names = set(held)
    for name in added:
        if name != "ALL" and name not in held:
            raise UsageError(
                f"--cap-add {name}: minidocker has not that capability itself, and cannot give it",
                "minidocker doctor   (or leave it out)",
            )
    names = (names | set(added)) - set(dropped) - {"ALL"}
    return [name for name in CAPABILITIES if name in names]


def read_name(text: str, option: str) -> str:
    """Turn "net_admin" or "CAP_NET_ADMIN" into CAP_NET_ADMIN; "all" into ALL."""
    word = text.upper()
    name = word if word == "ALL" or word.startswith("CAP_") else f"CAP_{word}"
    if name != "ALL" and name not in CAPABILITIES:
        from difflib import get_close_matches

        close = get_close_matches(name, CAPABILITIES, 1)
        raise UsageError(
            f"{option} {text}: there is no such capability",
            f"did you mean {close[0]}?" if close else "man 7 capabilities",
        )
    return name


def held(stages: list[str]) -> list[str]:
    """Name the capabilities that can be handed on: this process's own; in a user namespace, all."""
    if "user" in stages:
        return list(CAPABILITIES)
    with open("/proc/self/status", encoding="ascii", errors="replace") as stream:
        line = next(line for line in stream if line.startswith("CapPrm:"))
    bits = int(line.split()[1], 16)
    return [name for number, name in enumerate(CAPABILITIES) if bits >> number & 1]


def device(text: str, touch: bool) -> list[str]:
    """Read --device NODE[:PATH[:rwm]] as [host node, path inside]."""
    source, _, rest = text.partition(":")
    path, _, access = rest.partition(":")
    if path and not path.startswith("/") and not access:
        path, access = "", path
    path = path or source
    if not source.startswith("/") or not path.startswith("/"):
        raise UsageError(f"--device {text!r} is not NODE or NODE:PATH", "--device /dev/fuse")
    if access and not {"r", "w"} <= set(access) <= {"r", "w", "m"}:
        raise UsageError(
            f"--device {text}: a part of the access cannot be taken away here",
            "leave the letters out: reading and writing are decided by the node's own mode",
        )
    if touch:
        try:
            mode = os.stat(source).st_mode & 0o170000
        except OSError as problem:
            raise NotFound(f"--device {text}: {problem.strerror}", "ls /dev") from None
        if mode not in (0o020000, 0o060000):
            raise UsageError(f"--device {text}: that is no device node", "for a file: -v")
    return [source, path]


def host_devices() -> list[list[str]]:
    """List every node of the host's /dev, for --privileged; terminals are the container's own."""
    own = {*DEVICES, "pts", "shm", "mqueue", "fd", "ptmx", "console", "hugepages"}
    found = []
    for directory, below, names in os.walk("/dev"):
        below[:] = [name for name in below if directory != "/dev" or name not in own]
        for name in names:
            path = f"{directory}/{name}"
            if (directory == "/dev" and name in own) or os.path.islink(path):
                continue
            if os.stat(path).st_mode & 0o170000 in (0o020000, 0o060000):
                found.append([path, path])
    return found


def ulimit(text: str) -> list[int]:
    """Read --ulimit NAME=SOFT[:HARD] as [number, soft, hard]; -1 is no limit."""
    name, _, rest = text.partition("=")
    soft, _, hard = rest.partition(":")
    try:
        limits = [int(soft), int(hard or soft)]
    except ValueError:
        limits = []
    if name not in ULIMITS or not limits or min(limits) < -1:
        raise UsageError(
            f"--ulimit {text!r} is not NAME=SOFT or NAME=SOFT:HARD",
            f"such as --ulimit nofile=1024:4096; names: {', '.join(ULIMITS)}",
        )
    if limits[1] != -1 and (limits[0] == -1 or limits[0] > limits[1]):
        raise UsageError(f"--ulimit {text}: the soft limit is above the hard one", "SOFT:HARD")
    return [ULIMITS[name], *limits]
