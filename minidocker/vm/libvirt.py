"""libvirt: found running, started by systemd, or by hand where systemd does not run; and undone."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

from minidocker.errors import Blocked, MinidockerError
from minidocker.vm import host_state

URI = "qemu:///system"
CONFIG = "/etc/libvirt/qemu.conf"
# For a machine of one's own without systemd: no cgroups on the host, no change of owners, and
# nothing that needs services that do not run.
QEMU_CONF = """\
user = "root"
group = "root"
security_driver = "none"
cgroup_controllers = [ ]
namespaces = [ ]
remember_owner = 0
seccomp_sandbox = 0
"""
CHAINS = {"filter": ("INP", "OUT", "FWO", "FWI", "FWX"), "nat": ("PRT",), "mangle": ("PRT",)}
HOOKS = {"INP": "INPUT", "OUT": "OUTPUT", "FWO": "FORWARD", "FWI": "FORWARD", "FWX": "FORWARD",
         "PRT": "POSTROUTING"}  # fmt: skip


def virsh(*words: str, timeout: float = 60) -> str | None:
    """Return what virsh prints, None when it fails; man 1 virsh."""
    try:
        done = subprocess.run(
            ["virsh", "-q", "-c", URI, *words], capture_output=True, text=True, timeout=timeout,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def answers() -> bool:
    """Say whether libvirt can be talked to."""
    return virsh("list", timeout=20) is not None


def start(directory: Path) -> bool:
    """Have libvirt answer; say whether we started daemons of our own, which `stop` must end."""
    if answers():
        return False
    if os.geteuid():
        raise Blocked("libvirt does not answer", "sudo usermod -aG libvirt $USER, and log in again")
    if os.path.isdir("/run/systemd/system"):
        subprocess.run(["systemctl", "start", "libvirtd"], capture_output=True, timeout=60)
        if answers():
            return False
        raise MinidockerError("libvirtd does not run", "systemctl status libvirtd")
    return _by_hand(directory)


def _by_hand(directory: Path) -> bool:
    """Start libvirt's two daemons with a configuration that only they see."""
    conf = directory / "qemu.conf"
    conf.write_text(QEMU_CONF)
    end(directory)  # what an earlier one left half started
    # In a mount namespace of its own the file lies over Debian's, which stays as it is.
    line = f'mount --bind "$1" {CONFIG} && shift && exec "$@"'
    for name in ("virtlogd", "libvirtd"):
        words = ["unshare", "--mount", "sh", "-c", line, "sh", str(conf), name, "-d",
                 "-p", str(directory / f"{name}.pid")]  # fmt: skip
        with open(directory / "libvirt.log", "ab") as log:
            done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if done.returncode:
            raise MinidockerError(f"{name} does not start", f"see {directory}/libvirt.log")
    deadline = time.monotonic() + 60
    while not answers():
        if time.monotonic() > deadline:
            end(directory)
            raise MinidockerError("libvirtd was started and does not answer",
                                  f"see {directory}/libvirt.log")  # fmt: skip
        time.sleep(0.2)
    return True


def end(directory: Path) -> None:
    """End the daemons that `start` started, found by the name of their pid file."""
    for name in ("libvirtd", "virtlogd"):
        mark = str(directory / f"{name}.pid").encode()
        for pid in host_state.running(name):
            with contextlib.suppress(OSError):
                if mark in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                    _finish(pid)
        (directory / f"{name}.pid").unlink(missing_ok=True)


def _finish(pid: int) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                return
            time.sleep(0.1)


def remove_network(name: str) -> None:
    """Remove a network, with its bridge and its dnsmasq."""
    virsh("net-destroy", name)
    virsh("net-undefine", name)


def remove_volumes(prefix: str, pool: str = "default") -> int:
    """Remove the pool's volumes whose names begin so; return how many."""
    rows = (virsh("vol-list", pool) or "").splitlines()
    names = [row.split()[0] for row in rows if row.split() and row.split()[0].startswith(prefix)]
    for name in names:
        virsh("vol-delete", name, pool)
    return len(names)


def remove_chains() -> None:
    """Remove libvirt's iptables chains, which it makes once and leaves for good."""
    for tool in ("iptables", "ip6tables"):
        for table, chains in CHAINS.items():
            for chain in chains:
                full = f"LIBVIRT_{chain}"
                _quiet(tool, "-w", "-t", table, "-D", HOOKS[chain], "-j", full)
                _quiet(tool, "-w", "-t", table, "-F", full)
                _quiet(tool, "-w", "-t", table, "-X", full)


def _quiet(*words: str) -> None:
    with contextlib.suppress(OSError):
        subprocess.run(words, capture_output=True)
