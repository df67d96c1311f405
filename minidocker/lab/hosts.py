"""A host in small, for notebooks: a network namespace in which bridges and rules do no harm.

    host = small_host()                        loopback, and nothing else: it passes on no packet
    host.sh("ip link")                         a line of shell in its network; what it printed
    host.start("minidocker run …")             a command beside the notebook, in its network
    box = host.box()                           a process in a network of its own; inside(box, …)
    other = host.cable("wan", "192.0.2.1/24", "192.0.2.2/24")     another machine beside it

It has the files of this machine, and its own /sys. It ends with `stop()`, or with the kernel; then
its links, rules and sysctls are gone. network_namespaces(7)
"""

from __future__ import annotations

import os
import shlex
from typing import Any

from minidocker.lab import cells
from minidocker.proc import processes

# A new network begins with the ip_forward of the machine, and that is 1 where Docker is.
UP = (
    "echo 0 > /proc/sys/net/ipv4/ip_forward; ip link set lo up; mount -t sysfs sysfs /sys; "
    "echo up; exec sleep infinity"
)


class SmallHost:
    """A process that keeps a network namespace and a mount namespace; `pid` is its pid."""

    def __init__(self) -> None:
        words = ["unshare", "--net", "--mount", "sh", "-c", UP]
        self._begun: list[cells.Background | SmallHost] = []
        self._holder = cells.Background(shlex.join(words))
        self.pid = self._holder.starter
        cells.wait_until(lambda: "up" in self._holder.output())

    def words(self, *words: str) -> list[str]:
        """Return the words that start a command in this host's network, while it lives."""
        if not os.path.exists(f"/proc/{self.pid}"):
            raise cells.CellFailed("[this small host has ended: run again the cell that makes it]")
        where = f"--wd={os.getcwd()}"
        return ["nsenter", f"--target={self.pid}", "--net", "--mount", where, *words]

    def sh(self, line: str, status: int = 0) -> str:
        """Run a line of shell here; return what it printed. CellFailed for another status."""
        return cells.sh(shlex.join(self.words("sh", "-c", cells.shell_text(line))), status)

    def start(self, command: str) -> cells.Background:
        """Start a command here, and wait until it runs in its own pid namespace."""
        made = cells.start(shlex.join(self.words(*cells.program(command))))
        self._begun.append(made)
        return made

    def beside(self, command: str) -> cells.Background:
        """Start a command here that needs no pid namespace of its own, such as a listener."""
        made = cells.Background(shlex.join(self.words(*cells.program(command))))
        self._begun.append(made)
        return made

    def cable(self, link: str, here: str, there: str) -> SmallHost:
        """Make another small host, with a cable between both: its eth0 and our `link`."""
        other = SmallHost()
        self._begun.append(other)
        self.sh(
            f"ip link del {link} 2>/dev/null\n"  # of an earlier run of the cell
            f"ip link add {link} type veth peer name eth0 netns {other.pid}\n"
            f"ip addr add {here} dev {link}; ip link set {link} up"
        )
        other.sh(f"ip addr add {there} dev eth0; ip link set eth0 up")
        return other

    def box(self) -> cells.Background:
        """Start a process in a network of its own, with nothing in it; its pid is `pid`."""
        made = self.beside("unshare --net sleep infinity")
        outer = {processes.namespace(self.pid, "net"), processes.namespace("self", "net")}
        cells.wait_until(lambda: processes.namespace(made.starter, "net") not in outer)
        made.pid = made.starter
        return made

    def stop(self) -> None:
        """End it, with all that was started in it; once more is fine.

        One process that lives on would hold its network, and so a bridge of the runtime's.
        """
        while self._begun:
            self._begun.pop().stop()
        self._holder.stop()

    def __repr__(self) -> str:
        try:
            number = processes.namespace(self.pid, "net")
        except processes.NoProcess:
            return "<a small host that has ended>"
        return f"<a small host: process {self.pid}, network namespace {number}>"


def small_host() -> SmallHost:
    """Make a host in small: a network namespace with loopback alone."""
    return SmallHost()


def inside(box: Any, line: str, status: int = 0) -> str:
    """Run a line of shell of this machine's in the network of a process; what it printed.

    `box` is what `start` or `box` returned, or a pid.
    """
    pid = box if isinstance(box, int) else box.pid
    return cells.sh(f"nsenter --target={pid} --net sh -c {shlex.quote(line)}", status)
