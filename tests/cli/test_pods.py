"""Pods: what its containers share, what they do not, and how a pod goes. docs/engine.md"""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest
from keeping import Run, keepers, kill, record

from minidocker.engine.pods import program
from minidocker.errors import Blocked

live = pytest.mark.needs("root", "pidns", "mntns", "overlay")


def namespaces(pid: int) -> dict[str, str]:
    """What a process is in."""
    return {name: os.readlink(f"/proc/{pid}/ns/{name}") for name in ("net", "ipc", "uts", "pid", "mnt")}


def make(run: Run, *words: str) -> str:
    """Make a pod; return its id."""
    done = run("pod", "create", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@live
def test_a_pod_shares_network_memory_and_name(alone: Run, shared_store: Path) -> None:
    holder = make(alone, "--network", "none", "shop")
    ids = [alone("run", "-d", "--pod", "shop", "--name", name, "base", "sleep", "600").stdout.strip()
           for name in ("web", "db")]  # fmt: skip
    found = [namespaces(record(shared_store, id)["pid"]) for id in (holder, *ids)]
    for name in ("net", "ipc", "uts"):
        assert len({one[name] for one in found}) == 1
        assert found[0][name] != namespaces(os.getpid())[name]
    for name in ("pid", "mnt"):
        assert len({one[name] for one in found}) == 3
    assert alone("exec", "web", "sh", "-c", "hostname; echo note > /dev/shm/note").stdout == "shop\n"
    assert alone("exec", "db", "cat", "/dev/shm/note").stdout == "note\n"
    alone("rm", "-f", "web")  # the first goes; what they share stays
    assert alone("run", "--rm", "--pod", "shop", "base", "cat", "/dev/shm/note").stdout == "note\n"
    kill(*keepers(shared_store, holder))
    assert alone("exec", "db", "cat", "/dev/shm/note").stdout == "note\n"
    assert alone("restart", "-t", "0", "db").returncode == 0
    assert namespaces(record(shared_store, ids[1])["pid"])["net"] == found[0]["net"]


@live
def test_a_pod_goes_whole(alone: Run) -> None:
    holder = make(alone, "--network", "none", "--name", "shop")
    web = alone("run", "-d", "--pod", "shop", "--name", "web", "base", "sleep", "600").stdout.strip()
    listed = alone("pod", "ls").stdout.splitlines()[1].split()
    assert listed[:3] == [holder, "shop", "Running"] and listed[-1] == "1"
    assert alone("pod", "ls", "-q").stdout == f"{holder}\n"
    done = alone("pod", "rm", "shop")
    assert done.returncode == 1 and "in the pod shop runs web" in done.stderr
    assert alone("pod", "rm", "web").returncode == 1
    assert alone("ps", "-q", "--no-trunc").stdout.split() == [web, holder]
    assert alone("stop", "-t", "0", "web").returncode == 0
    assert alone("pod", "rm", "shop").stdout == "shop\n"
    assert alone("ps", "-aq").stdout == ""


@live
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--pod", "nobody"), "no container nobody"),
        (("--pod", "box"), "box is no pod"),
        (("--pod", "shop", "--network", "none"), "--network is the pod's"),
        (("--pod", "shop", "-h", "x"), "--hostname is the pod's"),
        (("--pod", "shop", "-p", "80:80"), "--publish needs a network of its own"),
    ],
)
def test_what_contradicts_a_pod_is_refused(words: tuple[str, ...], said: str, alone: Run) -> None:
    make(alone, "--network", "none", "shop")
    assert alone("create", "--name", "box", "base", "true").returncode == 0
    done = alone("run", "--rm", *words, "base", "true")
    assert done.returncode == 125 and said in done.stderr, done
    assert alone("stop", "shop").returncode == 0
    done = alone("run", "--rm", "--pod", "shop", "base", "true")
    assert done.returncode == 125 and "does not run" in done.stderr


def test_the_holders_program_is_one_for_each_machine() -> None:
    sizes = {"x86_64": (62, 9), "aarch64": (183, 32)}
    for machine, (number, length) in sizes.items():
        made = program(machine)
        assert made[:4] == b"\x7fELF" and struct.unpack_from("<H", made, 18)[0] == number
        entry = struct.unpack_from("<Q", made, 24)[0] & 0xFFF
        assert len(made) - entry == length
    with pytest.raises(Blocked):
        program("riscv64")
