"""What a cell stands on: how this machine limits processes, what file systems it needs, a terminal.

Control groups are version 2 only, and are never made on a machine that has version 1 as well.
"""

from __future__ import annotations

import os
import re
import sys
import termios
import time
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
PSEUDO = {"proc", "sysfs", "devtmpfs", "devpts", "mqueue", "cgroup", "cgroup2", "securityfs",
          "debugfs", "tracefs", "bpf", "pstore", "configfs", "fusectl", "hugetlbfs",
          "binfmt_misc", "autofs", "efivarfs", "rpc_pipefs", "nsfs"}  # fmt: skip


def patience() -> float:
    """How much longer than usual to wait: MINIDOCKER_PATIENCE, a number of at least 1."""
    try:
        return max(1.0, float(os.environ.get("MINIDOCKER_PATIENCE", "1")))
    except ValueError:
        return 1.0


def needed_filesystems() -> list[str]:
    """Return mount points, other than "/", that a cell needs: Python, the package, the system."""
    wanted = [sys.base_prefix, sys.prefix, os.path.realpath(sys.executable), str(PACKAGE),
              "/usr", "/bin", "/lib", "/lib64", "/etc"]  # fmt: skip
    found = set()
    with open("/proc/self/mountinfo") as file:
        for line in file:
            left, _, right = line.partition(" - ")
            place, kind = re.sub(r"\\040", " ", left.split()[4]), right.split()[0]
            if place == "/" or kind in PSEUDO or not os.path.isdir(place):
                continue
            if any(os.path.realpath(path).startswith(place.rstrip("/") + "/")
                   or os.path.realpath(path) == place for path in wanted):  # fmt: skip
                found.add(place)
    return sorted(found)


def process_limit() -> str:
    """Say how a cell's processes can be limited here: "cgroup", "pid_max", or "": not at all."""
    if cgroup_parent():
        return "cgroup"
    version = re.match(r"(\d+)\.(\d+)", os.uname().release)
    # Before 6.14 there is one pid_max for the whole machine: writing it would change the host.
    if version and (int(version[1]), int(version[2])) >= (6, 14):
        return "pid_max"
    return ""


def cgroup_parent() -> str:
    """Return /sys/fs/cgroup when version 2 alone is there, with the pids controller, else ""."""
    with open("/proc/self/mountinfo") as file:
        kinds = {(line.split()[4], line.partition(" - ")[2].split()[0]) for line in file}
    if any(kind == "cgroup" for _, kind in kinds) or ("/sys/fs/cgroup", "cgroup2") not in kinds:
        return ""
    try:
        with open("/sys/fs/cgroup/cgroup.subtree_control") as file:
            ready = "pids" in file.read().split()
    except OSError:
        return ""
    return "/sys/fs/cgroup" if ready and os.access("/sys/fs/cgroup", os.W_OK) else ""


def make_cgroup() -> str:
    """Make a cgroup for one cell, with a limit on processes; return its path."""
    path = f"/sys/fs/cgroup/minidocker.cell.{os.getpid()}.{os.urandom(4).hex()}"
    os.mkdir(path)
    fd = os.open(f"{path}/pids.max", os.O_WRONLY)
    try:
        os.write(fd, b"400")
    finally:
        os.close(fd)
    return path


def remove_cgroup(path: str) -> None:
    """Remove a cell's cgroup, and the one in it; the last process may take a moment to leave."""
    for place in (f"{path}/confined", path):
        for _ in range(100):
            try:
                os.rmdir(place)
            except FileNotFoundError:
                break
            except OSError:
                time.sleep(0.01)
            else:
                break


def sweep() -> None:
    """Remove the cgroups that graders left which were killed."""
    if parent := cgroup_parent():
        for name in os.listdir(parent):
            owner = name.removeprefix("minidocker.cell.").partition(".")[0]
            if name.startswith("minidocker.cell.") and not os.path.exists(f"/proc/{owner}"):
                remove_cgroup(f"{parent}/{name}")


def open_terminal() -> tuple[int, int]:
    """Open a terminal without echo, so that a question is not read as its own answer."""
    master, slave = os.openpty()
    settings = termios.tcgetattr(slave)
    settings[3] &= ~termios.ECHO
    termios.tcsetattr(slave, termios.TCSANOW, settings)
    return master, slave
