"""ways_out: what the kernel shows of a process's root, looked at from outside."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from minidocker.pictures.ways_out import WAYS, escapes, ways_out
from minidocker.proc import processes

WAIT = "print('ready', flush=True); time.sleep(60)"


@contextmanager
def process(code: str, *args: str) -> Iterator[int]:
    """Run Python code in a process of its own, until it is ready."""
    words = [sys.executable, "-c", f"import os, sys, time\n{code}\n{WAIT}", *args]
    child = subprocess.Popen(words, stdout=subprocess.PIPE)
    try:
        assert child.stdout and child.stdout.readline() == b"ready\n"
        yield child.pid
    finally:
        child.kill()
        child.communicate()


def test_a_plain_process_has_our_root_and_our_mounts() -> None:
    with process("") as pid:
        found = escapes(pid)
    assert list(found) == list(WAYS)
    assert found["root"] == found["cwd"] == found["descriptors"] == ""
    assert "of yours: " in found["mounts"]


@pytest.mark.needs("root")
def test_a_chroot_is_open_above_and_by_what_it_holds(tmp_path: os.PathLike[str]) -> None:
    with process("os.open('/', os.O_RDONLY); os.chroot(sys.argv[1])", str(tmp_path)) as pid:
        found = escapes(pid)
        picture = ways_out([pid], ["jail"])
    assert found["root"].endswith("up is your root")
    assert found["cwd"].endswith("is your root")
    assert found["descriptors"] == "descriptor 3"
    assert ('its root, then ".."', f"open: {found['root']}") in picture.rows
    assert "jail is open by root, cwd, descriptors" in picture.desc


@pytest.mark.needs("root", "mntns")
def test_a_pivot_is_closed_every_way(tmp_path: os.PathLike[str]) -> None:
    code = (
        "from minidocker.kernel.linux import Linux; from minidocker.kernel import flags as f\n"
        "from minidocker.stages.rootfs import Rootfs\n"
        "k = Linux(); k.unshare(f.CLONE_NEWNS)\n"
        "k.mount('', '/', '', f.MS_REC | f.MS_PRIVATE); Rootfs.pivot(k, sys.argv[1])"
    )
    with process(code, str(tmp_path)) as pid:
        assert escapes(pid) == dict.fromkeys(WAYS, "")
        assert "closed every way" in ways_out([pid]).desc


def test_a_process_that_has_ended_says_so() -> None:
    with process("") as pid:
        pass
    with pytest.raises(processes.NoProcess):
        escapes(pid)
    assert "has ended" in str(ways_out([pid]))


def test_each_process_wants_one_label() -> None:
    with pytest.raises(ValueError, match="one label for each"):
        ways_out([1], ["a", "b"])
