"""`minidocker info`: the store, what is in it, and what this machine offers to containers."""

from __future__ import annotations

import os
import platform
from typing import Any

from minidocker import __version__
from minidocker.engine import revival
from minidocker.engine.standing import state_of
from minidocker.formats.rows import say
from minidocker.formats.template import Template
from minidocker.formats.values import as_json
from minidocker.images.store.hold import listing
from minidocker.images.store.store import Store
from minidocker.stages.cgroup import ROOT
from minidocker.verbs.parser import Parser, make

AFTER = """\
examples:
  minidocker info
  minidocker info --format '{{.ContainersRunning}} of {{.Containers}} run'
  minidocker info -f '{{json .SecurityOptions}}'

`minidocker doctor` says what this machine cannot do, and the line that mends it.
"""
SHOWN = (
    ("Containers", "Containers"), ("ContainersRunning", " Running"),
    ("ContainersPaused", " Paused"), ("ContainersStopped", " Stopped"),
    ("Images", "Images"), ("ServerVersion", "Version"),
    ("Driver", "Storage Driver"), ("CgroupDriver", "Cgroup Driver"),
    ("CgroupVersion", "Cgroup Version"), ("DefaultRuntime", "Default Runtime"),
    ("KernelVersion", "Kernel Version"), ("OperatingSystem", "Operating System"),
    ("OSType", "OSType"), ("Architecture", "Architecture"), ("NCPU", "CPUs"),
    ("MemTotal", "Total Memory"), ("Name", "Name"), ("DockerRootDir", "Root Dir"),
)  # fmt: skip


def main(argv: list[str]) -> int:
    """Print what there is; return the exit status."""
    args = parser().parse_args(argv)
    found = about(Store())
    if args.format == "json":
        say(as_json(found) + "\n")
    elif args.format:
        say(Template(args.format).fill(found) + "\n")
    else:
        say("".join(f"{name}: {found[key]}\n" for key, name in SHOWN)
            + "Security Options:\n" + "".join(f" {one}\n" for one in found["SecurityOptions"])
            + "".join(f"WARNING: {one}\n" for one in found["Warnings"] or ()))  # fmt: skip
    return 0


def parser() -> Parser:
    """Build the parser; completion reads it, too."""
    made = make("info", "Say what runs here, and what this machine offers.", AFTER)
    made.add_argument("-f", "--format", default="", metavar="FORMAT",
                      help="json, or a template: '{{.Images}}'")  # fmt: skip
    return made


def about(store: Store) -> dict[str, Any]:
    """Return all of it under Docker's names."""
    states = [state_of(record) for record in revival.records(store)]
    unified = os.path.exists(f"{ROOT}/cgroup.controllers")
    controllers = words(f"{ROOT}/cgroup.controllers")
    system = os.uname()
    return {
        "ID": "",
        "Containers": len(states),
        "ContainersRunning": states.count("running"),
        "ContainersPaused": states.count("paused"),
        "ContainersStopped": len(states) - states.count("running") - states.count("paused"),
        "Images": len(listing(store.path("images", "sha256"))),
        "Driver": "overlay2",
        "Plugins": {"Volume": ["local"], "Network": ["bridge", "host", "none"],
                    "Log": ["json-file"]},
        "MemoryLimit": "memory" in controllers,
        "SwapLimit": "memory" in controllers,
        "CpuCfsPeriod": "cpu" in controllers,
        "CpuCfsQuota": "cpu" in controllers,
        "CPUShares": "cpu" in controllers,
        "CPUSet": "cpuset" in controllers,
        "PidsLimit": "pids" in controllers,
        "IPv4Forwarding": words("/proc/sys/net/ipv4/ip_forward") == ["1"],
        "OomKillDisable": False,
        "LoggingDriver": "json-file",
        "CgroupDriver": "cgroupfs",
        "CgroupVersion": "2" if unified else "1",
        "KernelVersion": system.release,
        "OperatingSystem": operating_system(),
        "OSType": system.sysname.lower(),
        "Architecture": system.machine,
        "NCPU": os.cpu_count() or 1,
        "MemTotal": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "IndexServerAddress": "https://index.docker.io/v1/",
        "DockerRootDir": store.root,
        "Name": system.nodename,
        "Labels": [],
        "ServerVersion": __version__,
        "DefaultRuntime": "minidocker",
        "SecurityOptions": [
            "name=seccomp,profile=builtin", *(["name=rootless"] if os.geteuid() else []),
        ],
        "Warnings": None if unified else ["limits need cgroup v2 alone on /sys/fs/cgroup"],
    }  # fmt: skip


def words(path: str) -> list[str]:
    """Return the words of a small file; none where it is not there."""
    try:
        with open(path, encoding="ascii", errors="replace") as stream:
            return stream.read().split()
    except OSError:
        return []


def operating_system() -> str:
    """Return the name of the distribution. os-release(5)"""
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    except OSError:
        return "Linux"
