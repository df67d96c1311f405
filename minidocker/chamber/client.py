"""The grader's end of the zygote: start it, ask it for cells, end it. See zygote.py."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import Any

from minidocker.chamber import zygote
from minidocker.chamber.cell_needs import PACKAGE, needed_filesystems, process_limit
from minidocker.chamber.cgroups import sweep
from minidocker.errors import LAB_MACHINE, Blocked
from minidocker.spec import ids

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ANSWER_SECONDS = 30.0  # to make or to end a cell takes milliseconds


class Maker:
    """The process that makes cells; see zygote.py."""

    def __init__(self) -> None:
        if sys.platform != "linux":
            raise Blocked("checks need Linux", LAB_MACHINE)
        if os.geteuid() != 0:
            ids.refuse_by_apparmor()
        self._start()
        self.limit = process_limit()
        sweep()
        self.filesystems = needed_filesystems()

    def _start(self) -> None:
        """Start the process that makes cells."""
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        code = (
            "import os, sys; fd = int(sys.argv[1]); "
            "fd == 3 or (os.dup2(fd, 3), os.close(fd)); os.set_inheritable(3, False); "
            f"sys.path.insert(0, {str(PACKAGE.parent)!r}); "
            "from minidocker.chamber.zygote import main; main()"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", "-c", code, str(theirs.fileno())],
            env={"PATH": PATH, "LANG": "C.UTF-8"},  # whoever is root in a cell reads it in /proc/1
            pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        theirs.close()
        self.channel.settimeout(ANSWER_SECONDS)
        # Else an order of 208 kB is too long. The kernel gives twice net.core.wmem_max. socket(7)
        self.channel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, zygote.MESSAGE)

    def ask(self, message: dict[str, Any], descriptors: tuple[int, ...] = ()) -> dict[str, Any]:
        """Send a request and return the answer; one that does not answer is replaced."""
        late = False
        try:
            zygote.send(self.channel, message, descriptors)
            answer = zygote.receive(self.channel)
        except OSError as problem:
            answer, late = None, isinstance(problem, TimeoutError)
        if answer is None:
            self.close()
            self._start()
            if late:
                raise Blocked(f"this machine is too busy: no cell in {ANSWER_SECONDS:.0f} s",
                              "minidocker grade, when it is quiet")  # fmt: skip
            raise RuntimeError("the process that makes cells did not answer")
        return answer[0]

    def close(self) -> None:
        """End the zygote, and with it every cell."""
        self.channel.close()
        try:
            self.process.wait(2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def refused(answer: dict[str, Any]) -> None:
    """Raise Blocked when the kernel refused the cell, RuntimeError when the grader is at fault."""
    if "refused" in answer:
        raise Blocked(f"no cell can be made here: {answer['refused']}", "minidocker doctor")
    raise RuntimeError(f"no cell: {answer.get('broken', answer)}")
