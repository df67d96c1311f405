"""Escapes by processes: the host's, reached by number, by /proc, by ptrace, by their namespaces."""

from __future__ import annotations

import os
import time

from minidocker.escapes.escape import Escape
from minidocker.escapes.yard import Yard

HOST_PIDS = ("--pid", "host")

PTRACE = """
PTRACE_SEIZE = 0x4206
call("ptrace", PTRACE_SEIZE, int(os.environ["M_PID"]), 0, 0)
time.sleep(9)
"""
SETNS = """
fd = os.open(f"/proc/{os.environ['M_PID']}/ns/mnt", os.O_RDONLY)
call("setns", fd, 0)
print(open("/canary/token").read())
"""
STEAL_DESCRIPTOR = """
pidfd = call("pidfd_open", int(os.environ["M_KEEPER"]), 0)
fd = call("pidfd_getfd", pidfd, int(os.environ["M_FD"]), 0)
print(os.pread(fd, 100, 0).decode())
"""


def killed(yard: Yard) -> bool:
    """The yard's canary has been killed."""
    return yard.status(yard.canary, "State")[:1] != ["S"]


def traced(yard: Yard) -> bool:
    """A process of the attack's traces the canary."""
    tracer = yard.status(yard.canary, "TracerPid")
    return bool(tracer) and tracer != ["0"]


def keep_open(yard: Yard) -> None:
    """Let a process of the yard's hold the secret in a file without a name."""
    text = (
        "import os, sys, time; fd = os.memfd_create('m'); os.write(fd, sys.argv[1].encode());"
        "os.dup2(fd, 7); time.sleep(100)"
    )
    argv = [yard.order["python"], "-I", "-S", "-c", text, yard.secret]
    yard.facts["M_KEEPER"], yard.facts["M_FD"] = str(yard.spawn(argv, {})), "7"
    while not os.path.exists(f"/proc/{yard.facts['M_KEEPER']}/fd/7"):
        time.sleep(0.01)


ESCAPES = (
    Escape("host_environ", "read a host process's variables in /proc", "proc_pid_environ(5)",
           "cat /proc/[0-9]*/environ | tr '\\0' '\\n' | grep SECRET"),
    Escape("kill_host", "kill a process of the host by its number", "pid_namespaces(7)",
           "kill -9 $M_PID; sleep 0.2", probe=killed),
    Escape("ptrace_host", "trace a host process, where the pid namespace is shared", "ptrace(2)",
           PTRACE, python=True, options=HOST_PIDS, probe=traced),
    Escape("proc_root", "walk into the host by /proc/PID/root, pid namespace shared",
           "proc_pid_root(5)", "cat /proc/$M_PID/root/canary/token", options=HOST_PIDS),
    Escape("enter_namespace", "join the host's mount namespace, pid namespace shared", "setns(2)",
           SETNS, python=True, options=HOST_PIDS),
    Escape("steal_descriptor", "take an open file from a host process, pid namespace shared",
           "pidfd_getfd(2)", STEAL_DESCRIPTOR, python=True, options=HOST_PIDS, setup=keep_open),
)  # fmt: skip
