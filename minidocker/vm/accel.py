"""Which accelerator QEMU can use, found by trying: /dev/kvm may exist, open, and boot nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from minidocker.doctor import lab_arch
from minidocker.errors import UsageError
from minidocker.vm import places

KVM = "/dev/kvm"
PATIENCE = 10.0  # seconds; where KVM works, a kernel needs less than one
# Without a disk the kernel boots, finds no root file system, and says so: that is our sign.
SIGN = b"Unable to mount root fs"


@dataclass(frozen=True)
class Accelerator:
    """`name`: "kvm" or "tcg" (software emulation); `reason`: why; `seconds`: of the trial."""

    name: str
    reason: str
    seconds: float = 0.0

    def options(self) -> list[str]:
        """Return QEMU's options for it."""
        if self.name == "kvm":
            return ["-accel", "kvm", "-cpu", "host"]
        # 256 MB hold the translated code of a whole Debian; the default takes up to 1 GB.
        processor = lab_arch.chosen().processor
        return ["-accel", "tcg,thread=multi,tb-size=256", "-cpu", processor]


def choose(kernel: Path) -> Accelerator:
    """Return what to use for this kernel; MINIDOCKER_ACCEL=kvm|tcg decides without a trial.

    The answer is kept for this boot of the host and this QEMU, for a trial that fails takes its
    whole time limit.
    """
    wanted, arch = os.environ.get("MINIDOCKER_ACCEL", ""), lab_arch.chosen()
    if wanted and wanted not in ("kvm", "tcg"):
        raise UsageError(f"MINIDOCKER_ACCEL={wanted} is neither kvm nor tcg", "leave it unset")
    if arch.foreign:
        if wanted == "kvm":
            raise UsageError(f"KVM runs no {arch.debian} on this processor", "leave it unset")
        return Accelerator("tcg", f"{arch.debian} is not this computer's own processor")
    if wanted:
        return Accelerator(wanted, "MINIDOCKER_ACCEL says so")
    if not os.path.exists(KVM):
        return Accelerator("tcg", "this machine has no /dev/kvm")
    if not os.access(KVM, os.R_OK | os.W_OK):
        return Accelerator("tcg", "you may not open /dev/kvm: sudo usermod -aG kvm $USER")
    key = f"{_boot()} {os.geteuid()} {kernel} {_qemu()}"
    kept = places.cache() / "accelerator.json"
    try:
        found = json.loads(kept.read_text())
        if found.pop("for") == key:
            return Accelerator(**found)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    found = attempt(kernel)
    try:
        kept.write_text(json.dumps({"for": key, **asdict(found)}))
    except OSError:
        pass  # then the next start tries again
    return found


def attempt(kernel: Path, patience: float = PATIENCE) -> Accelerator:
    """Boot the kernel under KVM, with a time limit."""
    arch = lab_arch.chosen()
    argv = [
        arch.qemu, "-accel", "kvm", "-cpu", "host", "-machine", arch.board, "-m", "256",
        "-nodefaults", "-display", "none", "-no-reboot", "-serial", "stdio",
        "-kernel", str(kernel), "-append", f"console={arch.console} panic=-1 root=/dev/none",
    ]  # fmt: skip
    start = time.monotonic()
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=patience,
        )  # fmt: skip
        output, late = done.stdout, ""
    except subprocess.TimeoutExpired as problem:
        output, late = problem.stdout or b"", f" within {patience:.0f} s"
    except FileNotFoundError:
        return Accelerator("tcg", f"{arch.qemu} is not installed")
    seconds = round(time.monotonic() - start, 1)
    if SIGN in output:
        return Accelerator("kvm", "KVM boots a kernel here", seconds)
    return Accelerator("tcg", f"/dev/kvm is there but boots no kernel{late}", seconds)


def _qemu() -> str:
    """Name the QEMU that is installed now: another one, or one where none was, is tried anew."""
    path = shutil.which(lab_arch.chosen().qemu)
    return f"{path} {os.stat(path).st_mtime_ns}" if path else "none"


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
