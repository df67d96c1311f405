"""What of a guest's work reaches its monitor: counted by QEMU's own trace, while the guest works.

The guest does a million system calls, and then writes to a device; before and after each it says
so on its serial port. The trace shows those letters among all that the monitor is asked, so it
can be cut there. Under KVM the processor runs the rest; without KVM, QEMU translates it.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from minidocker.doctor import lab_arch
from minidocker.errors import Blocked, MinidockerError
from minidocker.vm import accel
from minidocker.vm.cost import PATIENCE, REFERENCE, Cost, archive, boot_command, kernel_to_boot

CALLS, BYTES = 1_000_000, 1000
EVENTS = "memory_region_ops_*"  # an access to a device that QEMU emulates
LETTERS = {"ttyS0": 0x3F8, "ttyAMA0": 0x9000000}  # the serial port's register for what is sent
INIT = f"""#!/bin/sh
mount -t devtmpfs dev /dev
echo '<calls'
dd if=/dev/zero of=/dev/null bs=1 count={CALLS // 2} 2>/dev/null
echo 'calls>'
echo '<device'
dd if=/dev/zero bs=100 count={BYTES // 100} 2>/dev/null
echo 'device>'
"""  # then it ends, the kernel panics, and QEMU ends


def measure() -> Cost:
    """Count; Blocked where there is no QEMU, no kernel, or no trace in this QEMU.

    {"accelerator", "calls", "bytes", "by_calls", "by_device"}: how often the monitor was asked.
    """
    kernel, busybox = kernel_to_boot(), shutil.which("busybox")
    arch = lab_arch.own()
    if not shutil.which(arch.qemu):
        raise Blocked("there is no QEMU here", f"apt-get install {arch.package}")
    if not busybox:
        raise Blocked("there is no static busybox here", "apt-get install busybox-static")
    found = accel.choose(kernel)
    with tempfile.TemporaryDirectory(prefix="minidocker-reached-") as folder:
        initrd, log = Path(folder) / "initrd", Path(folder) / "trace"
        initrd.write_bytes(archive(Path(busybox).read_bytes(), INIT))
        argv = [*boot_command(kernel, initrd, found), "-trace", EVENTS, "-D", str(log)]
        try:
            subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            raise Blocked(f"no guest ended within {PATIENCE:.0f} s", "a quiet machine") from None
        with log.open(errors="replace") as lines:
            counts = counted(lines, LETTERS[arch.console])
    return {"accelerator": found.name, "measured": time.strftime("%Y-%m-%d"), "calls": CALLS,
            "bytes": BYTES, "by_calls": counts["calls"], "by_device": counts["device"]}  # fmt: skip


def known() -> Cost:
    """Return the counts of this computer; or the reference, with "reference": why."""
    try:
        return {**measure(), "reference": ""}
    except MinidockerError as problem:
        reference: Cost = json.loads(REFERENCE.read_text())["reached"]
        return {**reference, "reference": problem.message}


def counted(lines: Iterable[str], letter: int) -> dict[str, int]:
    """Count the events between <NAME and NAME> of a trace; Blocked where a mark is missing.

    `letter` is the register into which the guest writes what it says, letter by letter.
    """
    counts: dict[str, int] = {}
    said, at, begin = "", 0, 0
    for line in lines:
        event = re.search(r"memory_region_ops_(\w+) .*addr 0x([0-9a-f]+) value 0x([0-9a-f]+)", line)
        if not event:
            continue
        at += 1
        if event[1] != "write" or int(event[2], 16) != letter:
            continue
        said = (said + chr(int(event[3], 16) & 0x7F))[-10:]
        if said.endswith(("<calls\r", "<device\r")):
            begin = at
        for name in ("calls", "device"):
            if said.endswith(f"{name}>") and begin and name not in counts:
                counts[name] = at - begin
    if counts.keys() != {"calls", "device"}:
        raise Blocked("this QEMU has no trace of its devices, or the guest did not boot",
                      "minidocker vm cost")  # fmt: skip
    return counts


def tell(found: Cost) -> str:
    """Return the counts in words."""
    why = found["reference"]
    head = f"REFERENCE figures, not of this computer ({why}):" if why else "counted here, now:"
    how = {"kvm": "KVM: the processor ran the guest's instructions",
           "tcg": "no KVM: QEMU translated every instruction, and that is not counted"}  # fmt: skip
    rows = [
        f"{found['calls']:>9,} system calls reached the monitor {found['by_calls']:,} times",
        f"{found['bytes']:>9,} bytes to a device reached it {found['by_device']:,} times",
    ]
    return "\n".join([head, *rows, how[found["accelerator"]]])
