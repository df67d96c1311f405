"""Cgroups for a notebook's experiments: made in a directory of its own, removed when it ends.

    box = cgroup("box")                   a new cgroup, with every controller that there is
    box.write("memory.max", "20m")        one write(2); what the kernel refuses is an OSError
    box.run("echo I am inside")           a line of shell that runs inside; what it printed
    box.start("sleep 60")                 a command that runs inside, beside the notebook
    box.counts("memory.events")           a file of "name number" lines, as a dictionary

Version 2 only; on a hybrid machine the tree has no controllers, and the rest works.
Manual: cgroups(7), the kernel's admin-guide/cgroup-v2.rst.
"""

from __future__ import annotations

import os
import shlex
import subprocess

from minidocker.kernel.linux import Linux
from minidocker.lab.cells import Background, CellFailed, sh, wait_until
from minidocker.proc import cgroups
from minidocker.stages.cgroup import Cgroup

NAME = "minidocker.notebook."
CONTROLLERS = ("cpu", "io", "memory", "pids")
kernel = Linux()
_open: list[int] = []


def cgroup(name: str, hand_down: bool = True) -> Group:
    """Make a cgroup of this notebook's own, new and empty; an older one of that name is removed.

    "boxes/one" makes both. Each directory above it hands down every controller that it has; with
    `hand_down=False` only the notebook's own directory does. CellFailed without a version 2 tree.
    """
    above = _home()
    Cgroup.remove(kernel, f"{above}/{name}")
    for part in name.split("/"):
        if hand_down:
            _hand_down(above)
        above = f"{above}/{part}"
        if not os.path.isdir(above):
            kernel.mkdir(above)
    return Group(above)


class Group:
    """One cgroup: its `path`, and what one does with it most."""

    def __init__(self, path: str) -> None:
        self.path = path

    def write(self, file: str, text: str) -> None:
        """Write a file of the cgroup with one write(2); KernelError (an OSError) when refused."""
        kernel.write(f"{self.path}/{file}", text)

    def read(self, file: str) -> str:
        """Return the text of a file, without the last newline."""
        return kernel.read(f"{self.path}/{file}").rstrip("\n")

    def counts(self, file: str) -> dict[str, int]:
        """Return a file of "name number" lines, such as memory.events or cpu.stat."""
        return {key: int(number) for key, number in map(str.split, self.read(file).splitlines())}

    def pids(self) -> list[int]:
        """Return the processes in the cgroup; those in cgroups below it are not counted."""
        return [int(word) for word in self.read("cgroup.procs").split()]

    def take(self, pid: int) -> None:
        """Move a process into the cgroup."""
        self.write("cgroup.procs", str(pid))

    def run(self, command: str, status: int = 0) -> str:
        """Run a line of shell that first moves itself into the cgroup; return what it printed."""
        return sh(self._inside(command), status)

    def start(self, command: str) -> Background:
        """Start a line of shell in the cgroup, beside the notebook; its pid is `starter`."""
        made = Background(shlex.join(["sh", "-c", self._inside(f"exec {command}")]))
        wait_until(lambda: made.starter in self.pids())
        return made

    def remove(self) -> None:
        """End every process in it, and remove it; once more is fine."""
        Cgroup.remove(kernel, self.path)

    def _inside(self, command: str) -> str:
        return f"echo $$ > {shlex.quote(self.path)}/cgroup.procs\n{command}"

    def __repr__(self) -> str:
        return f"<cgroup {self.path}>"


def _home() -> str:
    """Return this notebook's own directory in the tree; it is made, and removed at the end."""
    top, _ = cgroups.home()
    if not top:
        raise CellFailed("blocked: this machine has no cgroup version 2 tree: minidocker doctor")
    path = f"{top}/{NAME}{os.getpid()}"
    if not os.path.isdir(path):
        for name in os.listdir(top):
            if name.startswith(NAME) and not os.path.exists(f"/proc/{name.removeprefix(NAME)}"):
                Cgroup.remove(kernel, f"{top}/{name}")  # its notebook was killed
        _hand_down(top)
        kernel.mkdir(path)
        _hand_down(path)
        _remove_at_the_end(path)
    return path


def _remove_at_the_end(path: str) -> None:
    """Start a shell that waits until this process has ended, killed or not, and then tidies up."""
    tidy = f"""cat; echo 1 > {path}/cgroup.kill
    while [ -d {path} ]; do find {path} -depth -type d -exec rmdir {{}} + || sleep 0.1; done"""
    inner, outer = os.pipe()  # the writing end stays open, and in this process alone
    subprocess.Popen(
        ["/bin/sh", "-c", tidy], stdin=inner, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True, cwd="/", env={"PATH": os.defpath},
    )  # fmt: skip
    os.close(inner)
    _open.append(outer)


def _hand_down(path: str) -> None:
    """Let the directories below have each controller that this one has."""
    here = kernel.read(f"{path}/cgroup.controllers").split()
    down = kernel.read(f"{path}/cgroup.subtree_control").split()
    for name in CONTROLLERS:
        if name in here and name not in down:
            kernel.write(f"{path}/cgroup.subtree_control", f"+{name}")
