"""The programs that are compared: ours, runc, crun and Podman, on one root directory."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

from minidocker.bench.alike import make_alike
from minidocker.bench.clock import Program

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# Podman asks for more open files than a machine may allow its root.
CONTAINERS_CONF = """\
[containers]
default_ulimits = ["nofile=1024:4096", "nproc=1000:2000"]
"""


def entry() -> list[str]:
    """Return the command line of the installed minidocker, the one that a user starts."""
    beside = os.path.join(os.path.dirname(sys.executable), "minidocker")
    for path in (sys.argv[0], os.path.join(ROOT, ".venv", "bin", "minidocker"), beside):
        if os.path.basename(path) == "minidocker" and os.access(path, os.X_OK):
            return [os.path.abspath(path)]
    return [sys.executable, "-m", "minidocker"]


def root_directory(path: str) -> str:
    """Make a small root directory from the machine's static busybox; return its path."""
    busybox = shutil.which("busybox")
    if not busybox:
        raise FileNotFoundError("busybox")
    for folder in ("bin", "dev", "etc", "proc", "sys", "tmp", "run"):
        os.makedirs(os.path.join(path, folder))
    shutil.copy(busybox, os.path.join(path, "bin", "busybox"))
    for name in ("sh", "true", "sleep"):
        os.symlink("busybox", os.path.join(path, "bin", name))
    return path


def version(argv: Sequence[str]) -> str:
    """Return the version that a program prints: the first word with a digit and a dot."""
    text = subprocess.run(argv, capture_output=True, text=True).stdout
    words = [word.strip(",") for word in text.split() if "." in word and word[0].isdigit()]
    return words[0] if words else ""


class Rivals:
    """Makes the `Program` of each rival for a command, in a work directory of the bench."""

    def __init__(self, work: str, rootfs: str) -> None:
        self.work = work
        self.rootfs = rootfs
        self.count = 0

    def all(self, command: Sequence[str]) -> list[Program]:
        """Return ours, runc, crun and Podman; those that are not installed say so."""
        return [self.ours(command), self.oci("runc", command), self.oci("crun", command),
                self.podman(command)]  # fmt: skip

    def ours(self, command: Sequence[str], *options: str) -> Program:
        """Return minidocker, by the installed entry point; without a network, as the others are."""
        quiet = () if options else ("--network", "none")
        argv = [*entry(), "run", "--rm", *quiet, *options, "--rootfs", self.rootfs, *command]
        return Program("minidocker", lambda _: argv)

    def oci(self, name: str, command: Sequence[str]) -> Program:
        """Return runc or crun, asked for what our own plain run does (alike.py)."""
        path = find(name)
        if not path:
            return missing(name)
        self.count += 1
        bundle = self.bundle(path, f"{name}-{self.count}", command)
        make_alike(bundle)
        state = os.path.join(self.work, f"{name}-state")
        prefix = f"minidocker-bench-{os.getpid()}-{self.count}"
        return Program(
            name,
            lambda i: [path, "--root", state, "run", "--bundle", bundle, f"{prefix}-{i}"],
            version=version([path, "--version"]),
        )

    def bundle(self, path: str, name: str, command: Sequence[str]) -> str:
        """Write an OCI bundle: config.json as the runtime itself makes it, our root and command."""
        bundle = os.path.join(self.work, name)
        os.makedirs(bundle)
        subprocess.run([path, "spec"], cwd=bundle, check=True, capture_output=True)
        file = os.path.join(bundle, "config.json")
        with open(file, encoding="utf-8") as text:
            config = json.load(text)
        config["root"]["path"] = self.rootfs
        config["process"].update(terminal=False, args=list(command))
        with open(file, "w", encoding="utf-8") as text:
            json.dump(config, text)
        return bundle

    def podman(self, command: Sequence[str]) -> Program:
        """Return Podman with storage of its own, on the same root directory."""
        path = find("podman")
        if not path:
            return missing("podman")
        folder = os.path.join(self.work, "podman")
        os.makedirs(folder, exist_ok=True)
        conf = os.path.join(folder, "containers.conf")
        with open(conf, "w", encoding="utf-8") as out:
            out.write(CONTAINERS_CONF)
        argv = [path, "--root", folder + "/root", "--runroot", folder + "/run",
                "--runtime", "runc", "--cgroup-manager", "cgroupfs", "--events-backend", "file",
                "run", "--rm", "--network=none", "--cgroup-parent",
                "/" + os.path.basename(self.work), "--rootfs", self.rootfs, *command]  # fmt: skip
        return Program(
            "podman", lambda _: argv, {"CONTAINERS_CONF": conf}, version([path, "--version"])
        )


def find(name: str) -> str:
    """Return the path of a program, looking where Debian puts root's programs too; "" if none."""
    path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
    return shutil.which(name, path=path) or ""


def missing(name: str) -> Program:
    """Return a program that cannot be measured, with the line that installs it."""
    return Program(name, lambda _: [], problem=f"not installed: apt-get install {name}")
