"""What a lab machine could leave on its host, written down before and compared after."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path

from minidocker.doctor import lab_arch

PROGRAMS = ("libvirtd", "virtlogd", "virtlockd", "dnsmasq", "virtiofsd")
LINKS = ("virbr", "vnet", "macvtap")  # containers' links come and go meanwhile
FORWARD = Path("/proc/sys/net/ipv4/ip_forward")
TABLES = ("iptables-save", "ip6tables-save", "nft list ruleset")


def look() -> dict[str, list[str]]:
    """Return what there is of links, rules, mounts, cgroups, programs and settings."""
    return {
        "links": sorted(one for one in os.listdir("/sys/class/net") if one.startswith(LINKS)),
        "rules": [line for tool in TABLES for line in _rules(tool)],
        "mounts": sorted(line.split()[4] for line in _lines("/proc/self/mountinfo")),
        "cgroups": sorted(_cgroups()),
        "programs": sorted(name for name in PROGRAMS for _ in running(name)) + _machines(),
        "ip_forward": _lines(str(FORWARD)),
    }


def changes(before: dict[str, list[str]], after: dict[str, list[str]]) -> list[str]:
    """Say in lines what is more or less than before."""
    found = []
    for what in sorted(before):
        was, now = list(before[what]), list(after.get(what, []))
        found += [f"{what}: {one} is new" for one in _less(now, was)]
        found += [f"{what}: {one} is gone" for one in _less(was, now)]
    return found


def running(name: str) -> list[int]:
    """Return the process ids of a program, by its file's name."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{entry}/cmdline").read_bytes().split(b"\0")
                if os.path.basename(words[0]) == name.encode():
                    found.append(int(entry))
    return found


def _machines() -> list[str]:
    """Return the machines that libvirt runs (it calls them guest=…), and no others."""
    found = []
    for pid in running(lab_arch.own().qemu):
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            found += [word.decode() for word in words if word.startswith(b"guest=")]
    return sorted(found)


def _less(these: list[str], those: list[str]) -> list[str]:
    """Return what is left of `these` when each of `those` has been taken away once."""
    left = list(these)
    for one in those:
        if one in left:
            left.remove(one)
    return left


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def _rules(tool: str) -> list[str]:
    """Return a packet filter's rules, without counters, times and empty tables."""
    try:
        done = subprocess.run(tool.split(), capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return []
    rows = [line.split("[")[0].strip() for line in done.stdout.splitlines()]
    return [row for row in rows if row.startswith(("-A", ":LIBVIRT")) or "LIBVIRT" in row]


def _cgroups() -> list[str]:
    """Return the cgroups that a virtual machine manager would make."""
    found = []
    for directory, below, _ in os.walk("/sys/fs/cgroup"):
        below[:] = [name for name in below if directory.count("/") < 6]
        found += [f"{directory}/{name}" for name in below if "machine" in name or "libvirt" in name]
    return found
