"""When a container has filled the disk of the store: on recorded figures, and on a real tmpfs."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import BinaryIO

import pytest

from minidocker.runtime import disk, strays
from minidocker.runtime.disk import Disk

CLONE_FILES = 0x400


@pytest.fixture
def upper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory on a disk of 1000 blocks and 1000 inodes; `left` sets what is free."""
    (tmp_path / "upper/deep/deeper").mkdir(parents=True)
    monkeypatch.setattr(disk.os, "statvfs", lambda path: SimpleNamespace(
        f_bavail=left["blocks"], f_blocks=1000, f_frsize=4096,
        f_favail=left["inodes"], f_files=left["files"],
    ))  # fmt: skip
    left.update(blocks=900, inodes=900, files=1000)
    return tmp_path / "upper"


left: dict[str, int] = {}


def fill(upper: Path, count: int, size: int = 0) -> None:
    for number in range(count):
        (upper / f"deep/deeper/{number}").write_bytes(bytes(size))


def look(upper: Path) -> str:
    found = Disk(str(upper.parent))
    found.look()
    return found.full


def test_much_room(upper: Path) -> None:
    fill(upper, 110)
    assert look(upper) == ""


def test_the_one_who_took_it(upper: Path) -> None:
    fill(upper, 110)
    left["inodes"] = 99
    assert look(upper) == "inodes"
    left.update(inodes=900, blocks=99)
    assert look(upper) == ""  # 110 empty files are no bytes
    fill(upper, 110, 4096)
    assert look(upper) == "bytes"


def test_another_took_it(upper: Path) -> None:
    fill(upper, 60)
    left["inodes"] = 0
    assert look(upper) == ""


def test_a_file_system_that_counts_no_inodes(upper: Path) -> None:
    fill(upper, 110)
    left.update(inodes=0, files=0)
    assert look(upper) == ""


def test_looks_come_quicker_as_the_room_gets_less(
    upper: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "SPEED", (4096, 100))
    seconds = []
    for inodes in (900, 200, 110, 101, 100):
        left["inodes"] = inodes
        seconds.append(Disk(str(upper.parent)).look())
    assert seconds == [disk.LONGEST, 1.0, 0.1, disk.SHORTEST, disk.SHORTEST]


def test_what_is_too_deep_to_be_looked_at_counts(upper: Path) -> None:
    left["blocks"] = 99
    here = os.getcwd()
    try:
        os.chdir(upper)
        for _ in range(30):  # longer than any path may be
            os.mkdir("d" * 200)
            os.chdir("d" * 200)
        Path("file").write_bytes(bytes(100 << 12))
        assert look(upper) == "bytes"
        Path("file").unlink()
        assert look(upper) == ""
        for _ in range(disk.DEEPEST):
            os.mkdir("d")
            os.chdir("d")
        assert look(upper) == "bytes"
    finally:
        os.chdir(here)
        subprocess.run(["rm", "-rf", str(upper)], check=True, timeout=60)


def test_a_link_in_a_directorys_place_is_not_followed(
    upper: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "host/secret").mkdir(parents=True)
    real = os.open

    def exchanged(path: object, flags: int, *rest: object, **more: object) -> int:
        if path == "deeper":  # the moment between the look and the open
            (upper / "deep/deeper").rename(upper / "deep/away")
            (upper / "deep/deeper").symlink_to(tmp_path / "host")
        return real(path, flags, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(disk.os, "open", exchanged)
    assert len(list(disk.walk(str(upper)))) == 2


def test_what_goes_meanwhile(upper: Path) -> None:
    os.symlink("/", upper / "link")  # not followed
    assert len(list(disk.walk(str(upper)))) == 3
    assert list(disk.walk(str(upper / "none"))) == []


# --- files without a name --------------------------------------------------------------


@pytest.fixture
def held(upper: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Say how many files of 8 kB without a name are found, where this process is the container."""
    monkeypatch.setattr(disk.strays, "seeing", lambda directory: [os.getpid()])

    def look() -> int:
        found = list(disk.nameless(str(upper.parent)))
        if disk.queued.UNSEEN in found:
            return -1
        return sum(status.st_size == 8192 for status in found)

    return look


def without_a_name(upper: Path) -> BinaryIO:
    """A file that was removed while it was open."""
    file = (upper / "removed").open("w+b")
    file.write(bytes(8192))
    file.flush()
    (upper / "removed").unlink()
    return file


KINDS = [socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET]


@pytest.mark.parametrize("kind", KINDS)
def test_what_only_a_sockets_queue_holds_is_counted(
    kind: socket.SocketKind, upper: Path, held: Callable[[], int]
) -> None:
    near, far = socket.socketpair(socket.AF_UNIX, kind)
    other, box = socket.socketpair(socket.AF_UNIX, kind)
    with near, far, other, box:
        near.send(b"first")
        for _ in range(3):
            with without_a_name(upper) as file:
                socket.send_fds(near, [b"kept"], [file.fileno(), file.fileno()])
        assert held() == held() == 3
        socket.send_fds(other, [b"a socket in a socket"], [far.fileno()])
        far.close()
        assert held() == 3
        _, [far_again], _, _ = socket.recv_fds(box, 100, 1)
        with socket.socket(fileno=far_again) as far:  # and all is there as it was
            assert far.recv(5) == b"first"
            _, found, _, _ = socket.recv_fds(far, 4, 2)
            assert len(found) == 2 and held() == 3
            for fd in found:
                os.close(fd)
        assert held() == 0


def test_a_queue_that_cannot_be_looked_at_is_no_place_to_hide(
    upper: Path, held: Callable[[], int], tmp_path: Path
) -> None:
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with near, far, without_a_name(upper) as file:
        socket.send_fds(near, [b""], [file.fileno()])
        far.recv(1, socket.MSG_PEEK)  # what was peeked at, and has no bytes, is skipped from now on
        assert held() == -1
    with socket.socket(socket.AF_UNIX) as door, socket.socket(socket.AF_UNIX) as caller:
        door.bind(f"\0{tmp_path}"[:100])  # a name that is no file's
        door.listen()
        caller.connect(door.getsockname())
        assert held() == 0
        with without_a_name(upper) as file:
            socket.send_fds(caller, [b"before anybody has answered"], [file.fileno()])
        assert held() == -1


def test_a_thread_with_descriptors_of_its_own_is_looked_at(
    upper: Path, held: Callable[[], int]
) -> None:
    ready, go_on = threading.Event(), threading.Event()

    def apart() -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        assert libc.unshare(CLONE_FILES) == 0
        fd = os.open(upper / "own", os.O_RDWR | os.O_CREAT)
        os.write(fd, bytes(8192))
        os.unlink(upper / "own")
        ready.set()
        go_on.wait(60)
        os.close(fd)

    thread = threading.Thread(target=apart)
    thread.start()
    try:
        assert ready.wait(60) and held() == 1
    finally:
        go_on.set()
        thread.join(60)
    assert held() == 0


WITHOUT_ITS_FIRST_THREAD = """\
import ctypes, os, sys, threading, time
libc = ctypes.CDLL(None)
libc.mount(b"none", sys.argv[1].encode(), b"tmpfs", 0, None)
def live():
    while open("/proc/self/stat").read().rpartition(")")[2].split()[0] != "Z":
        time.sleep(0.01)
    print("alone", flush=True)
    time.sleep(600)
threading.Thread(target=live).start()
libc.syscall({"x86_64": 60, "aarch64": 93}[os.uname().machine], 0)
"""


@pytest.mark.needs("root", "mntns")
def test_who_lives_on_without_its_first_thread_is_a_stray(tmp_path: Path) -> None:
    directory = tmp_path / "containers/abc"
    (directory / "merged").mkdir(parents=True)
    with subprocess.Popen(
        ["unshare", "--mount", sys.executable, "-c", WITHOUT_ITS_FIRST_THREAD,
         str(directory / "merged")], stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            assert process.stdout and process.stdout.readline() == "alone\n"
            assert strays.seeing(str(directory)) == [process.pid]
            strays.kill(str(directory))
            assert process.wait(timeout=60) == -9
        finally:
            process.kill()
