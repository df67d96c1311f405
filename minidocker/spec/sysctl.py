"""Settings of the kernel that belong to a namespace: those alone may --sysctl change.

All others are the whole machine's. sysctl(8), proc_sys(5)
"""

from __future__ import annotations

from errno import EINVAL, ENOENT

from minidocker.errors import KernelError, MinidockerError, UsageError

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
    from minidocker.spec.spec import Spec
    from minidocker.spec.words import Asked

# The ipc namespace has these, and fs.mqueue.*; the network namespace has net.*
IPC = ("msgmax", "msgmnb", "msgmni", "sem", "shmall", "shmmax", "shmmni", "shm_rmid_forced")


def parse(text: str, option: str) -> tuple[str, str]:
    """Read --sysctl NAME=VALUE as (path below /proc/sys, value).

    As sysctl(8) reads it: dots part the name, and a slash in it stands for a dot of a device's
    name; where a slash comes first, slashes part it.
    """
    name, sign, value = text.partition("=")
    first = next((character for character in name if character in "./"), "")
    path = name if first == "/" else name.translate({ord("."): "/", ord("/"): "."})
    if sign and allowed(path):
        return path, value.strip()
    raise UsageError(
        f"{option} {text!r} is no setting of a namespace of the container's own",
        f"such as {option} net.ipv4.ip_forward=1   (net.*, fs.mqueue.*, kernel.shm*, msg*, sem)",
        docker=f'invalid argument "{text}" for "{option}" flag: sysctl \'{text}\' is not allowed',
    )


def allowed(path: str) -> bool:
    """Say whether a path below /proc/sys is a namespace's, and leads nowhere else."""
    parts = path.split("/")
    if not all(part.strip(".") and part.isprintable() for part in parts):
        return False
    return stage_of(path) != ""


def stage_of(path: str) -> str:
    """Name the stage whose namespace has the setting; "" for none."""
    parts = path.split("/")
    if parts[0] == "net" and len(parts) > 1:
        return "network"
    if parts[:2] == ["fs", "mqueue"] and len(parts) == 3:
        return "ipc"
    return "ipc" if parts[0] == "kernel" and len(parts) == 2 and parts[1] in IPC else ""


def refuse_shared(spec: Spec, asked: Asked) -> None:
    """Refuse a setting of a namespace that is not the container's own."""
    modes = [one["name"] for one in asked.get("network", ())]
    for path in spec.sysctl:
        stage = stage_of(path)
        shared = "ipc" in asked if stage == "ipc" else any(m == "host" or ":" in m for m in modes)
        if shared or stage not in spec.stages:
            name = path.translate({ord("/"): ".", ord("."): "/"})
            raise UsageError(
                f"--sysctl {name} belongs to the stage {stage}, whose namespace is not its own",
                f"without --{stage}, and with that stage",
                docker=f'sysctl "{name}" not allowed in host {stage} namespace',
            )


def write(kernel: Kernel, place: str, settings: dict[str, str]) -> None:
    """Write settings below `place`, a /proc/sys that can still be written. proc_sys(5)"""
    for path, value in settings.items():
        try:
            kernel.write(f"{place}/{path}", value)
        except KernelError as problem:
            name = path.translate({ord("/"): ".", ord("."): "/"})
            why = {ENOENT: "this kernel has no such setting", EINVAL: "it takes no such value"}
            reason = why.get(problem.errno or 0, problem.strerror)
            raise MinidockerError(
                f"--sysctl {name}={value}: {reason}", f"sysctl {name}   shows what it is here"
            ) from None
