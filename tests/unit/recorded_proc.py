"""A procfs of one's own: processes as /proc shows them, written into a directory."""

from __future__ import annotations

import os
from pathlib import Path

from minidocker.proc import processes

NS = {name: 4026531800 + at for at, name in enumerate(processes.NAMESPACES)}


def make(
    root: Path,
    pid: int,
    name: str = "sleep",
    ppid: int = 1,
    state: str = "S (sleeping)",
    nspid: str = "",
    command: bytes = b"sleep\x0060\x00",
    flags: int = 0x400000,
    ns: dict[str, int] | None = None,
    kthread: str | None = None,
) -> Path:
    """Write one process of a procfs, in the kernel's own words."""
    folder = root / str(pid)
    (folder / "ns").mkdir(parents=True)
    lines = [f"Name:\t{name}", "Umask:\t0022", f"State:\t{state}", f"Tgid:\t{pid}", f"Pid:\t{pid}"]
    lines += [f"PPid:\t{ppid}", "Uid:\t1000\t1000\t1000\t1000", f"NSpid:\t{nspid or pid}"]
    lines += [f"Kthread:\t{kthread}"] if kthread else []
    lines += ["CapInh:\t0000000000000000", "CapPrm:\t00000000a80425fb", "CapEff:\t0000000000000021"]
    lines += ["CapBnd:\t000001ffffffffff", "CapAmb:\t0000000000000000", "Seccomp:\t2"]
    (folder / "status").write_bytes(os.fsencode("\n".join(lines) + "\n"))
    (folder / "cmdline").write_bytes(command)
    stat = f"{pid} ({name}) {state[0]} {ppid} 1 1 0 -1 {flags} 0 0\n"
    (folder / "stat").write_bytes(os.fsencode(stat))
    (folder / "cgroup").write_text("9:name=systemd:/\n4:cpu,cpuacct:/a b\n0::/user.slice/x:y\n")
    for kind, inode in (NS if ns is None else ns).items():
        (folder / "ns" / kind).symlink_to(f"{kind}:[{inode}]")
    return folder
