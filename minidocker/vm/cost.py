"""What a virtual machine costs beside a container: start and memory, measured on this computer.

The machine is the smallest that is honest: a stock kernel, and one static program as its first
process. No disk, no network, no Debian: whatever a real lab machine adds comes on top.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from minidocker.doctor import lab_arch
from minidocker.errors import Blocked, MinidockerError
from minidocker.proc import lean, processes
from minidocker.vm import accel, places

Cost = dict[str, Any]
MEMORY = 256  # MiB, what the guest is promised
PATIENCE = 60.0
REFERENCE = Path(__file__).with_name("cost.json")
INIT = """#!/bin/sh
mount -t proc proc /proc
echo the first program runs
cat /proc/meminfo
echo the end
exec sleep 1000
"""


def measure() -> Cost:
    """Boot a machine and run a container; Blocked where there is no QEMU, kernel or busybox.

    Returns kB and seconds: {"accelerator", "kernel", "vm": {…}, "container": {…}, …}.
    """
    arch = lab_arch.chosen()
    if arch.foreign:
        said = "the machine is compared with a container of this computer's own processor"
        raise Blocked(said, "unset MINIDOCKER_ARCH")
    kernel, busybox = kernel_to_boot(), shutil.which("busybox")
    if not shutil.which(arch.qemu):
        raise Blocked("there is no QEMU here", f"apt-get install {arch.package}")
    if not busybox:
        raise Blocked("there is no static busybox here", "apt-get install busybox-static")
    found = accel.choose(kernel)
    with tempfile.TemporaryDirectory(prefix="minidocker-cost-") as folder:
        initrd = Path(folder) / "initrd"
        initrd.write_bytes(archive(Path(busybox).read_bytes()))
        argv = boot_command(kernel, initrd, found)
        monitor = _waiting(argv)
        machine = _running(argv)
    version = subprocess.run([arch.qemu, "--version"], capture_output=True, text=True).stdout
    return {
        "measured": time.strftime("%Y-%m-%d"), "cpus": len(os.sched_getaffinity(0)),
        "host": f"Linux {platform.release().split('-')[0]} {platform.machine()}",
        "monitor": version.split("\n")[0].split(" (")[0].replace("emulator version ", ""),
        "accelerator": found.name, "kernel": _release(kernel),
        "vm": {**machine, "monitor": monitor}, "container": _container(),
    }  # fmt: skip


def known() -> Cost:
    """Return the figures of this computer; or the reference figures, with "reference": why."""
    try:
        return {**measure(), "reference": ""}
    except MinidockerError as problem:
        return {**json.loads(REFERENCE.read_text()), "reference": problem.message}


def kernel_to_boot() -> Path:
    """Return a kernel to boot: the lab machine's, else the newest of this computer's own."""
    boxes = [f"box-{suite}{lab_arch.own().tag}-*/vmlinuz" for suite in places.SUITES]
    built = [path for box in boxes for path in places.cache().glob(box)]
    own = [path for path in Path("/boot").glob("vmlinuz-*") if os.access(path, os.R_OK)]
    if not built and not own:
        raise Blocked("there is no kernel to boot here", "minidocker vm up   (builds a machine)")
    return max(built or own, key=lambda path: path.stat().st_mtime)


def _release(kernel: Path) -> str:
    """Say which Linux it is: the file begins with a boot sector that names it."""
    image = kernel.read_bytes()
    if image[0x202:0x206] != b"HdrS":  # not of x86: it says at boot who it is, and not before
        version = image.partition(b"Linux version ")[2][:64].split(b" ")[0]
        return f"Linux {version.decode(errors='replace')}".strip()
    start = int.from_bytes(image[0x20E:0x210], "little") + 0x200  # Documentation/arch/x86/boot
    return "Linux " + image[start : start + 64].split(b" ")[0].decode(errors="replace")


def boot_command(kernel: Path, initrd: Path, found: accel.Accelerator) -> list[str]:
    """Return the command that boots the machine."""
    return [
        lab_arch.own().qemu, *found.options(), "-m", str(MEMORY), "-nodefaults", "-display", "none",
        # The guest's memory is a file in memory: the kernel then counts it apart, as RssShmem.
        "-object", f"memory-backend-memfd,id=ram,size={MEMORY}M,share=on",
        "-machine", f"{lab_arch.own().board},memory-backend=ram", "-no-reboot", "-serial", "stdio",
        "-kernel", str(kernel), "-initrd", str(initrd),
        "-append", f"console={lab_arch.own().console} quiet mitigations=off rdinit=/init panic=-1",
    ]  # fmt: skip


def archive(busybox: bytes, init: str = INIT) -> bytes:
    """Return an initrd with one program: a cpio archive, format newc; man 5 cpio."""
    content = b""
    for number, (name, mode, data) in enumerate((
        ("bin", 0o040755, b""), ("proc", 0o040755, b""), ("bin/busybox", 0o100755, busybox),
        ("bin/sh", 0o120777, b"busybox"), ("bin/mount", 0o120777, b"busybox"),
        ("bin/cat", 0o120777, b"busybox"), ("bin/sleep", 0o120777, b"busybox"),
        ("bin/dd", 0o120777, b"busybox"), ("dev", 0o040755, b""),
        ("init", 0o100755, init.encode()), ("TRAILER!!!", 0, b""),
    ), 1):  # fmt: skip
        text = name.encode() + b"\0"
        numbers = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(text), 0)
        head = b"070701" + b"".join(b"%08X" % one for one in numbers) + text
        content += head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)
    return content


@contextmanager
def _process(argv: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program that dies with this block."""
    process = subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _waiting(argv: Sequence[str]) -> int:
    """Return the memory of a monitor whose guest has not begun: -S, in kB."""
    with _process([*argv, "-S"]) as process:
        seen, deadline = [0, 1], time.monotonic() + 10
        while seen[-1] != seen[-2] or not seen[-1]:
            if process.poll() is not None or time.monotonic() > deadline:
                raise Blocked("QEMU does not start here", " ".join(argv[:3]))
            time.sleep(0.3)
            seen.append(processes.sizes(process.pid)["VmRSS"])
        return seen[-1]


def _running(argv: Sequence[str]) -> Cost:
    """Boot; return seconds to the first program, and whose memory is whose, in kB."""
    begin = time.monotonic()
    with _process(argv) as process:
        assert process.stdout is not None
        signal.signal(signal.SIGALRM, _late)
        signal.setitimer(signal.ITIMER_REAL, PATIENCE)
        try:
            first, lines = 0.0, []
            for line in process.stdout:
                lines.append(line.decode(errors="replace").strip())
                if "the first program runs" in lines[-1]:
                    first = time.monotonic() - begin
                if lines[-1] == "the end":
                    break
            else:
                raise Blocked("the kernel did not boot: QEMU ended", "minidocker doctor")
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        rows = dict(line.split(":", 1) for line in lines if ":" in line)
        inside = {name: int(value.split()[0]) for name, value in rows.items() if " kB" in value}
        host = processes.sizes(process.pid)
    return {
        "start": round(first, 3),
        "guest_memory_touched": host["RssShmem"],
        "guest_kernel_uses": inside["MemTotal"] - inside["MemFree"],
        "guest_kernel_keeps": MEMORY * 1024 - inside["MemTotal"],
        "all": host["VmRSS"],
    }


def _late(*_: object) -> None:
    raise Blocked(f"no kernel booted within {PATIENCE:.0f} s", "try it on a quiet machine")


def _container() -> Cost:
    """Run the same program in a container; seconds to its end, memory of it and of its starter."""
    run = [sys.executable, "-m", "minidocker", "run", "--rm", "--network", "none", "base"]
    seconds = []
    for _ in range(3):
        begin = time.monotonic()
        done = subprocess.run([*run, "true"], stdin=subprocess.DEVNULL, capture_output=True)
        seconds.append(time.monotonic() - begin)
        if done.returncode:
            raise Blocked("no container runs here", "minidocker run --rm base true")
    process = subprocess.Popen(
        [*run[:-1], "-i", "base", "cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    try:
        return {
            "start": round(min(seconds), 3),
            "command": processes.proportional(_waiting_child(process.pid)),
            "starter": processes.proportional(process.pid),
        }
    finally:
        process.communicate()  # its input ends, and so does cat: nothing is left behind


def _waiting_child(pid: int) -> int:
    """Wait until the container's command has begun to wait for its input; return its pid."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with suppress(LookupError):
            child = processes.process(lean.children(pid)[0])
            if child.name == "cat" and child.state == "S":
                return child.pid
        time.sleep(0.02)
    raise Blocked("no container runs here", "minidocker run --rm base true")


def tell(cost: Cost) -> str:
    """Return the figures as a table."""
    vm, box, why = cost["vm"], cost["container"], cost["reference"]
    head = "measured on this computer, now"
    if why:
        head = (f"REFERENCE figures, not of this computer ({why}):\n"
                f"measured {cost['measured']}, {cost['cpus']} CPUs, {cost['host']}")  # fmt: skip
    rows = [
        ("", "a virtual machine", "a container"),
        ("the first program runs after", f"{vm['start']:.2f} s", f"{box['start']:.2f} s"),
        ("memory of the monitor, no guest yet", mb(vm["monitor"]), "none: no monitor"),
        ("memory that the guest has touched", mb(vm["guest_memory_touched"]), "none: no guest"),
        ("  in use, says the guest's kernel", mb(vm["guest_kernel_uses"]), "no second kernel"),
        ("  that kernel's own, never counted", mb(vm["guest_kernel_keeps"]), "no second kernel"),
        ("memory on the host, in all", mb(vm["all"]), mb(box["command"])),
        ("the process that started it", "the monitor", mb(box["starter"])),
    ]
    if cost["accelerator"] == "tcg":
        rest = vm["all"] - vm["monitor"] - vm["guest_memory_touched"]
        rows.insert(6, ("translated code (emulation only)", mb(rest), "none"))
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    lines = ["  ".join(f"{text:<{w}}" for text, w in zip(row, widths, strict=True)).rstrip()
             for row in rows]  # fmt: skip
    with_what = {"kvm": "KVM: the processor runs the guest", "tcg": "software emulation, no KVM"}
    foot = (f"{cost['monitor']}, {with_what[cost['accelerator']]}; guest {cost['kernel']}, "
            f"{MEMORY} MB promised, no disk")  # fmt: skip
    return "\n".join([head, *lines, foot])


def mb(kilobytes: int) -> str:
    """Return "36 MB", "1.4 MB" for little, "140 kB" for less."""
    size = kilobytes / 1024
    if size < 1:
        return f"{kilobytes} kB"
    return f"{size:.0f} MB" if size >= 10 else f"{size:.1f} MB"
