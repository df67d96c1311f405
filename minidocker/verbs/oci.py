"""`minidocker oci` and `minidocker-runtime`: what Podman, containerd and Docker call."""

from __future__ import annotations

import os
import sys

from minidocker.errors import KernelError, MinidockerError, UsageError
from minidocker.oci import options
from minidocker.oci.container import default_root, now, refuse, refuse_strangers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SPECIFICATION = "1.2.0"
# runc's status for what it cannot do: `run` and `exec` give the command's own.
FAILED, NOT_ENTERED = 1, 255


def main(argv: list[str]) -> int:
    """Answer one call. An error is a line on stderr, and in the log that the caller reads."""
    found: dict[str, Any] = {}
    words: list[str] = []
    try:
        found, words = options.parse(argv, options.GLOBAL)
        if "log" in found:  # `create` goes into the bundle's directory; crun has "file:PATH", too
            found["log"] = os.path.abspath(str(found["log"]).removeprefix("file:"))
            os.close(open_log(str(found["log"])))
        if found.get("debug") or found.get("log-level") == "debug":
            log(found, "debug", f"called with {words}")
        status = answer(found, words)
        sys.stdout.flush()
        for line in getattr(sys.modules.get("minidocker.oci.mine"), "SAID", ()):
            log(found, "info", line)
        return status
    except MinidockerError as problem:
        return tell(found, words, refuse(problem), problem.remedy)
    except KernelError as problem:
        return tell(found, words, str(problem), problem.remedy)
    except OSError as problem:
        if os.environ.get("MINIDOCKER_DEBUG"):
            raise
        return tell(found, words, str(problem), "")


def answer(found: dict[str, Any], words: list[str]) -> int:
    """Find the verb and its options, and do it."""
    if "version" in found:
        print(version(), end="")
        return 0
    if "help" in found or not words or words[0] == "help":
        print(options.help_text())
        return 0
    manager = found.get("cgroup-manager", "cgroupfs")
    if manager not in ("cgroupfs", "disabled", "systemd"):
        raise UsageError(f"--cgroup-manager {manager} is unknown", "--cgroup-manager cgroupfs")
    if found.get("systemd-cgroup") or manager == "systemd":
        raise UsageError(
            "--systemd-cgroup: minidocker makes cgroups itself, and does not ask systemd",
            "podman --cgroup-manager cgroupfs; dockerd --exec-opt native.cgroupdriver=cgroupfs",
        )
    if found.get("log-format", "text") not in ("text", "json"):
        raise UsageError(f"--log-format {found['log-format']} is neither text nor json", "")
    verb, *rest = words
    asks = bool({"-h", "--help"} & set(rest[:1]))
    if verb in options.REFUSED and not asks:
        raise UsageError(f"{verb}: {options.REFUSED[verb]}", "runc with criu does that")
    if verb not in options.VERBS and verb not in options.REFUSED:
        raise UsageError(f"No help topic for '{verb}': there is no such verb", options.HELP)
    if asks:
        print(options.help_text(verb))
        return 0
    said, words = options.parse(rest, options.VERBS[verb][2], verb)
    said["no-cgroup"] = manager == "disabled"
    root = str(found.get("root") or default_root())
    refuse_strangers(root)
    from minidocker.oci.answers import ANSWERS

    do: Any = ANSWERS[verb]
    return int(do(root, said, words) or 0)


def tell(found: dict[str, Any], words: list[str], message: str, remedy: str) -> int:
    """Write an error to stderr, and to the log in the caller's format; return the status."""
    hint = f" (try: {remedy})" if remedy else ""  # callers take the first line for all of it
    hint, message = hint.replace("\n", "; "), message.replace("\n", "; ")
    try:
        os.write(2, f"minidocker: {message}{hint}\n".encode(errors="surrogateescape"))
    except OSError:
        pass
    log(found, "error", message)
    return NOT_ENTERED if words[:1] == ["exec"] else FAILED


def log(found: dict[str, Any], level: str, message: str) -> None:
    """Add a line to the log, if there is one, in the form that containerd and Podman read."""
    path = str(found.get("log", ""))
    if not path and level != "debug":
        return  # it is on stderr already
    from minidocker.spec.lean_json import to_json

    moment = now()[:19] + "Z"
    if found.get("log-format") == "json":
        line = f'{{"level":"{level}","msg":{to_json(message)},"time":"{moment}"}}'
    else:
        line = f"time={to_json(moment)} level={level} msg={to_json(message)}"
    try:
        fd = open_log(path) if path else 2
        os.write(fd, f"{line}\n".encode())
        if path:
            os.close(fd)
    except OSError:
        pass  # it is on stderr, too


def open_log(path: str) -> int:
    """Open the log to add to it."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)


def version() -> str:
    """Return what dockerd and Podman ask a runtime first."""
    from minidocker import __version__

    return f"minidocker-runtime version {__version__}\nspec: {SPECIFICATION}\n"
