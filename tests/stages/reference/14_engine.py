"""The engine's own functions, under the names of lesson 14's exercise."""

import io
import os
import select
import signal

from minidocker.engine import backoff, ending
from minidocker.engine.pump import Pump
from minidocker.kernel.flags import NAMESPACES
from minidocker.proc.living import status_of  # noqa: F401  (a function of the exercise)
from minidocker.runtime import enter
from minidocker.spec import restart
from minidocker.stages.capabilities import Capabilities
from minidocker.stages.no_new_privs import NoNewPrivs
from minidocker.stages.seccomp import Seccomp

EXEC_ORDER = ["group", "namespaces", "rights", "fork", "exec"]


def exec_in(kernel, container, argv):
    """The engine is born into the cgroup, and execs its gate; in between it does this."""
    kernel.write(f"{container.group}/cgroup.procs", "0")
    process, flags = enter.doors(container.pid)
    kernel.setns(process, flags)
    os.close(process)
    NoNewPrivs.no_new_privileges(kernel)
    Capabilities.drop_capabilities(kernel, container.keep, container.keep)
    Seccomp.install_filter(kernel, container.filter)
    pid = kernel.fork()
    if pid == 0:
        kernel.execve(argv[0], argv, container.env)
    return pid


def stop(pidfd, grace):
    """What is left of it when the container's record is left out."""
    ending.send(pidfd, {}, signal.SIGTERM)
    if ending.has_ended(pidfd, grace):
        return True
    ending.send(pidfd, {}, signal.SIGKILL)
    return False


def supervise(start, policy, clock):
    """The policy as `--restart` reads it."""
    return backoff.supervise(start, restart.parse(policy, "--restart"), clock)


def join(kernel, pid, kinds):
    """The launcher's way: a file for each namespace, all open before the first is entered."""
    opened = [(os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC), NAMESPACES[kind])
              for kind in kinds]  # fmt: skip
    for fd, flag in opened:
        kernel.setns(fd, flag)
        os.close(fd)


class Entries:
    """A log that hands each line on, as LogFile writes it."""

    def __init__(self, write):
        self.write_entry, self.lost = write, 0

    def write(self, stream, data):
        for line in io.BytesIO(data):
            try:
                self.write_entry(stream, line)
            except OSError:
                self.lost += 1


def log_pump(streams, write):
    """The keeper's pump, over a poll of its own."""
    log, poll = Entries(write), select.poll()
    pump = Pump(log, poll)
    for name, fd in streams.items():
        pump.add(os.dup(fd), name)
    while pump.streams:
        for fd, _ in poll.poll():
            pump.serve(fd)
    return log.lost
