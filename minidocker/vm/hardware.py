"""What a machine stands on: its hardware, ports, pristine disk, and a place for sockets."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from minidocker.doctor import lab_arch
from minidocker.errors import MinidockerError
from minidocker.vm import build, qemu


def runtime() -> Path:
    """Return a directory of ours with a short name, that only we may enter."""
    above = os.environ.get("XDG_RUNTIME_DIR") or ("/run" if os.geteuid() == 0 else "")
    if above and os.access(above, os.W_OK) and len(above) < 40:
        path = Path(above) / "minidocker-vm"
    else:
        path = Path(tempfile.gettempdir()) / f"minidocker-vm-{os.geteuid()}"
    path.mkdir(mode=0o700, exist_ok=True)
    facts = path.lstat()
    if facts.st_uid != os.geteuid() or facts.st_mode & 0o077 or path.is_symlink():
        raise MinidockerError(f"{path} is not ours alone", f"look at it, then: rm -r {path}")
    return path


def pristine(box: build.Box, wanted: str) -> Path:
    """Return where a box's pristine disk for this hardware is kept."""
    return box.directory / f"pristine-{hashlib.sha256(wanted.encode()).hexdigest()[:8]}.qcow2"


def copy(source: Path, target: Path) -> None:
    """Copy a disk, whole or not at all; where the file system can, nothing is really copied."""
    part = target.with_suffix(f".{os.getpid()}")
    try:
        subprocess.run(["cp", "--reflink=auto", "--sparse=always", source, part], check=True)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def hardware(settings: qemu.Settings) -> str:
    """Say what a snapshot depends on."""
    arch = lab_arch.chosen()
    version = subprocess.run([arch.qemu, "--version"], capture_output=True, text=True).stdout
    word = version.splitlines()[0].split("version")[-1].strip() if version else ""
    other = f"{arch.debian} ({arch.processor}), " if arch.tag else ""
    machine = f"{other}{settings.cpus} CPUs, {settings.memory} MB, {settings.accelerator.name}"
    line = hashlib.sha256(qemu.kernel_line().encode()).hexdigest()[:6]
    return f"{machine}, QEMU {word}, kernel line {line}"


def about(settings: qemu.Settings) -> str:
    """Say in a few words what the machine runs on."""
    one = settings.accelerator
    return f"{settings.cpus} CPUs, {settings.memory} MB, {one.name}: {one.reason}"


def number(variable: str, default: int, low: int, high: int) -> int:
    """Return a whole number from the environment."""
    text = os.environ.get(variable, str(default))
    if not text.isdigit() or not low <= int(text) <= high:
        raise MinidockerError(f"{variable}={text}: give a number from {low} to {high}", "", 2)
    return int(text)


def free_port(first: int = 0) -> int:
    """Return a port of 127.0.0.1 that nobody listens on: any, or the first from `first` on."""
    for port in range(first, first + 50) if first else [0]:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return int(probe.getsockname()[1])
    raise MinidockerError(f"no port from {first} to {first + 49} is free", "stop what uses them")


def tell(text: str) -> None:
    """Tell the user something on the side."""
    print(f"minidocker: {text}", file=sys.stderr, flush=True)
