"""Filters that ask a program: it gets the filter's descriptor, and what it says is done."""

from __future__ import annotations

import json
import os
import select
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from minidocker.errors import UsageError
from minidocker.kernel import notify
from minidocker.oci.config import Part
from minidocker.oci.seccomp_of import read_filter
from minidocker.seccomp import calls
from tests.cli.oci_runtime import Runtime, cgroups

pytestmark = pytest.mark.needs("root", "pidns", "mntns", "netns", "busybox")

NO_MEDIUM = 123  # an errno that no mkdir has by itself
MACHINE = calls.machine(os.uname().machine)


class Agent:
    """Listens; refuses mkdir with NO_MEDIUM, and lets the kernel do all other calls."""

    def __init__(self, path: Path) -> None:
        self.path, self.told, self.seen = path, [], set()
        self.end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.end.bind(str(path))
        self.end.listen()
        self.threads = [threading.Thread(target=self.accept, daemon=True)]
        self.threads[0].start()

    def accept(self) -> None:
        while True:
            try:
                conn, _ = self.end.accept()
            except OSError:
                return
            with conn:
                data, fds, _, _ = socket.recv_fds(conn, 1 << 16, 4)
            self.told.append((json.loads(data), len(fds)))
            self.threads.append(threading.Thread(target=self.serve, args=fds, daemon=True))
            self.threads[-1].start()

    def serve(self, listener: int) -> None:
        numbers = calls.numbers()[MACHINE]
        mkdir = {numbers[name] for name in ("mkdir", "mkdirat") if name in numbers}
        poll = select.poll()
        poll.register(listener, select.POLLIN)
        while any(event & select.POLLIN for _, event in poll.poll(60_000)):
            if asked := notify.asked(listener):
                self.seen.add(asked[2])
                errno = NO_MEDIUM if asked[2] in mkdir else 0
                notify.answer(listener, asked[0], errno, 0 if errno else notify.CONTINUE)
        os.close(listener)

    def close(self) -> None:
        self.end.shutdown(socket.SHUT_RDWR)
        self.end.close()
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive()


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    one = Agent(tmp_path / "agent")
    yield one
    one.close()


def asks(oci: Runtime, path: object, *names: str, **more: Any) -> None:
    rules = [{"names": ["mkdir", "mkdirat", *names], "action": "SCMP_ACT_NOTIFY"}]
    oci.linux["seccomp"] = {
        "defaultAction": "SCMP_ACT_ALLOW", "listenerPath": str(path), "listenerMetadata": "a word",
        "syscalls": rules, **more,
    }  # fmt: skip


@pytest.mark.parametrize("bound", [False, True])
def test_the_agent_decides_and_is_told_whom(oci: Runtime, agent: Agent, bound: bool) -> None:
    oci.config["process"]["noNewPrivileges"] = bound
    oci.config["annotations"] = {"com.example": "mine"}
    asks(oci, agent.path)
    pid = oci.create("mkdir /tmp/x 2>&1; while :; do sleep 1; done")
    oci("start", "box")
    done = oci("exec", "box", "mkdir", "/tmp/y", check=False)
    assert done.returncode == 1 and "No medium found" in done.stderr
    (told, count), (again, _) = agent.told  # each was, before it was asked
    assert (told["ociVersion"], told["fds"], count) == (oci.config["ociVersion"], ["seccompFd"], 1)
    assert (told["pid"], told["metadata"]) == (pid, "a word")
    state = told["state"]
    assert (state["status"], state["id"], state["pid"]) == ("creating", "box", pid)
    assert state["bundle"] == str(oci.bundle) and state["annotations"] == {"com.example": "mine"}
    assert again["pid"] != pid and (again["state"]["pid"], again["state"]["status"]) == (pid, "running")
    oci("delete", "--force", "box")
    assert not cgroups()


def test_calls_that_our_own_way_to_the_command_needs(oci: Runtime, agent: Agent) -> None:
    """Each of them waits for an answer, in the gate and before it."""
    names = ("execve", "openat", "open", "read", "close", "fcntl", "close_range", "sendmsg")
    asks(oci, agent.path, *names)
    assert oci.run("echo all is well").stdout == "all is well\n"
    numbers = calls.numbers()[MACHINE]
    assert {numbers["execve"], numbers["read"]} <= agent.seen


def test_nobody_is_told_of_a_filter_that_asks_nothing(oci: Runtime) -> None:
    asks(oci, "/nobody/listens", syscalls=[])
    assert oci.run("mkdir /dev/shm/x && echo made").stdout == "made\n"


@pytest.mark.parametrize("path", ["/nobody/listens", "/x" * 200])
def test_an_agent_that_is_not_there_ends_the_creation(oci: Runtime, path: str) -> None:
    asks(oci, path)
    refused = oci.run("true", check=False)
    assert refused.returncode == 1 and "failed to connect with seccomp agent" in refused.stderr
    assert not oci("list", "-q").stdout and not cgroups()


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"listenerPath": "", "listenerMetadata": ""}, "seccomp listenerPath is not set"),
    ({"listenerPath": "", "syscalls": []}, "listenerMetadata is for a seccomp.listenerPath"),
    ({"listenerPath": 7}, "seccomp.listenerPath is not a text"),
    ({"listenerMetadata": {}}, "seccomp.listenerMetadata is not a text"),
    ({"defaultAction": "SCMP_ACT_NOTIFY"}, "SCMP_ACT_NOTIFY cannot be used as default action"),
    ({"syscalls": [{"names": ["write"], "action": "SCMP_ACT_NOTIFY"}]}, "cannot be used for the write syscall"),
    ({"syscalls": [], "flags": ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]}, "is for SCMP_ACT_NOTIFY"),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "words"), WRONG, ids=[words for _, words in WRONG])
def test_what_cannot_be_asked_is_refused_before_anything_is_made(wrong: dict[str, Any], words: str) -> None:
    filter = {
        "defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/run/agent", "listenerMetadata": "a word",
        "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}],
    }  # fmt: skip
    with pytest.raises(UsageError, match=words):
        read_filter(Part({"seccomp": filter | wrong}, "linux"))


def test_without_an_agent_such_a_call_is_none(oci: Runtime, agent: Agent) -> None:
    asks(oci, agent.path, flags=["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"])
    agent.serve = os.close  # type: ignore[assignment]
    done = oci.run("mkdir /tmp/x", check=False)
    assert done.returncode == 1 and "Function not implemented" in done.stderr
