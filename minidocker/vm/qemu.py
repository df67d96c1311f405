"""QEMU: its command line, its monitor, and how to find and end the one that is ours."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minidocker.doctor import lab_arch
from minidocker.errors import Blocked, MinidockerError
from minidocker.proc import lean
from minidocker.vm.accel import Accelerator

# net.ifnames=0: the card is eth0 everywhere. The last ones are defences and reserves that emulation
# pays for dearly, together a tenth of a machine's time: nobody's secrets are in here, fresh memory
# need not be wiped twice, and four levels of page tables are enough.
KERNEL_LINE = (
    "root=/dev/vda rw console={console},115200 net.ifnames=0 quiet "
    "mitigations=off init_on_alloc=0 hardened_usercopy=off randomize_kstack_offset=off{defences}"
)


def kernel_line() -> str:
    """Return what the kernel of the chosen architecture is started with."""
    arch = lab_arch.chosen()
    return KERNEL_LINE.format(console=arch.console, defences=arch.defences)


@dataclass(frozen=True)
class Settings:
    """What a machine is started with. A snapshot fits only a machine with the same hardware."""

    name: str  # in QEMU's command line, to find it again
    kernel: Path
    initrd: Path
    disk: Path
    run: Path  # directory for the monitor's socket: a short path
    accelerator: Accelerator
    cpus: int
    memory: int  # MiB
    ports: dict[int, int]  # guest port: port on 127.0.0.1


def command(settings: Settings, snapshot: str = "") -> list[str]:
    """Return QEMU's command line; man 1 qemu-system-x86_64."""
    forwards = "".join(
        f",hostfwd=tcp:127.0.0.1:{port}-:{inside}" for inside, port in settings.ports.items()
    )
    arch = lab_arch.chosen()
    argv = [
        arch.qemu, "-name", settings.name, *settings.accelerator.options(),
        "-smp", str(settings.cpus), "-m", str(settings.memory), "-machine", arch.board,
        "-nodefaults", "-display", "none",
        "-serial", f"file:{settings.disk.parent / 'console.log'}",
        "-kernel", str(settings.kernel), "-initrd", str(settings.initrd), "-append", kernel_line(),
        # Nobody needs this disk after a power cut: the host may keep what is written in memory.
        "-drive", f"file={settings.disk},if=none,id=disk,cache=unsafe,discard=unmap",
        "-device", "virtio-blk-pci,drive=disk",
        # restrict=on: from the machine neither the host nor the network can be reached.
        "-netdev", f"user,id=net,restrict=on{forwards}",
        "-device", "virtio-net-pci,netdev=net,romfile=", "-device", "virtio-rng-pci",
        "-rtc", "base=utc,clock=host",
        "-qmp", f"unix:{settings.run / 'qmp'},server=on,wait=off",
        # What breaks out of the machine is still held: no new programs, no new rights.
        "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
    ]  # fmt: skip
    return [*argv, "-loadvm", snapshot] if snapshot else argv


def start(settings: Settings, snapshot: str = "") -> int:
    """Start QEMU in a session of its own; return its process id when its monitor answers."""
    complaints = settings.disk.parent / "qemu.log"
    try:
        with open(complaints, "wb") as log:
            process = subprocess.Popen(
                command(settings, snapshot), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=log, start_new_session=True,
            )  # fmt: skip
    except FileNotFoundError:
        arch = lab_arch.chosen()
        raise Blocked(
            f"{arch.qemu} is not installed",
            f"sudo apt-get install --no-install-recommends {arch.package} qemu-utils",
        ) from None
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(MinidockerError), Monitor(settings.run / "qmp"):
            return process.pid
        time.sleep(0.02)
    stop(settings.name)
    said = [line for line in complaints.read_text(errors="replace").splitlines() if line.strip()]
    raise MinidockerError(f"QEMU did not start: {said[-1] if said else 'it said nothing'}",
                          "minidocker vm down, then minidocker vm up")  # fmt: skip


def find(name: str) -> int:
    """Return the process id of the QEMU that was started with this -name, or 0.

    Asked of the kernel, not of a pid file: a file can be lost or name another process by now.
    """
    wanted = [b"-name", name.encode()]
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{entry}/cmdline").read_bytes().split(b"\0")
                if b"qemu-system" in words[0] and words[1:3] == wanted:
                    return int(entry)
    return 0


def stop(name: str) -> None:
    """End the machine at once, as pulling the plug would."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        pid = find(name)
        if not pid:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = time.monotonic() + 5
        while not ended(pid) and time.monotonic() < deadline:
            time.sleep(0.02)


def ended(pid: int) -> bool:
    """Say whether a process has given everything back; freeing a machine's memory takes a while."""
    return lean.state(pid) in ("", "Z", "X")


class Monitor:
    """A talk with QEMU by its machine protocol, QMP; https://www.qemu.org/docs/master/interop/"""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(120)
        try:
            self._socket.connect(str(path))
        except OSError as problem:
            self._socket.close()
            raise MinidockerError(
                f"QEMU's monitor does not answer: {problem.strerror}",
                "minidocker vm down, then minidocker vm up",
            ) from None
        self._stream = self._socket.makefile("rw", encoding="utf-8")
        self._read()  # it greets first
        self.ask("qmp_capabilities")

    def __enter__(self) -> Monitor:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        self._socket.close()

    def ask(self, name: str, **arguments: Any) -> Any:
        """Give one command and return its answer."""
        self._stream.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
        self._stream.flush()
        while True:
            answer = self._read()
            if "error" in answer:
                raise MinidockerError(f"QEMU refused {name}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]  # anything else is an event, told in between

    def human(self, line: str) -> str:
        """Give a command of the human monitor; its complaints come as plain text."""
        said = str(self.ask("human-monitor-command", **{"command-line": line})).strip()
        if said.startswith("Error"):
            raise MinidockerError(f"QEMU refused {line.split()[0]}: {said}")
        return said

    def _read(self) -> dict[str, Any]:
        line = self._stream.readline()
        if not line:
            raise MinidockerError("QEMU ended while we talked to it", "minidocker vm up")
        return dict(json.loads(line))
