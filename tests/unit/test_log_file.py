"""The log of a container that runs alone: Docker's JSON lines, bounded, and never in its way."""

from __future__ import annotations

import json
import os
import random
import select
from pathlib import Path

import pytest

from minidocker.engine.log_file import PIECE, LogFile, entries
from minidocker.engine.logs import Entry, Reader, last, tail
from minidocker.engine.pump import Pump
from minidocker.errors import UsageError
from minidocker.spec import logging

WHEN = "2027-01-01T00:00:00.000000000Z"


def back(data: bytes) -> list[bytes]:
    """What a reader of JSON makes of entries."""
    lines = [json.loads(line)["log"] for line in data.splitlines()]
    return [line.encode("utf-8", "surrogateescape") for line in lines]


def test_each_byte_comes_back() -> None:
    dice = random.Random(1)
    for size in (1, 7, 300, 5000):
        for alphabet in (bytes(range(256)), b'ab"\\\n\t\r', b"\x00\x1f\n\xc3\xa9", "é€😀\n".encode()):
            data = bytes(dice.choice(alphabet) for _ in range(size))
            found = back(entries("stdout", data, WHEN))
            assert b"".join(found) == data
            assert all(line.endswith(b"\n") for line in found[:-1])


@pytest.mark.parametrize("before", [False, True], ids=["when it is looked at", "just after"])
def test_what_somebody_put_in_its_place_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    if before:
        monkeypatch.setattr("minidocker.engine.logs.is_file", lambda path: os.path.lexists(path))
    path = tmp_path / "log"
    (tmp_path / "others").write_bytes(entries("stdout", b"others\n", WHEN))
    (tmp_path / "log.1").symlink_to("others")
    os.mkfifo(path)  # which nobody ever opens to write
    assert tail(str(tmp_path), str(path), 5)[1] == []
    assert list(Reader(str(tmp_path), str(path)).drain()) == []
    log = LogFile(str(path), 4000, 3)
    log.write("stdout", b"lost\n")
    assert log.dropped == 1


def test_it_is_bounded_and_read_over_its_edges(tmp_path: Path) -> None:
    log = LogFile(str(tmp_path / "log"), 4000, 3)
    lines = [f"line {n}\n".encode() for n in range(300)]
    reader = Reader(str(tmp_path), str(tmp_path / "log"))
    followed: list[Entry] = []
    for line in lines:
        log.write("stdout", line)
        followed += reader.drain()
    assert [entry.text for entry in followed] == lines
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["log", "log.1", "log.2"]
    assert all(file.stat().st_size <= 4000 for file in files)
    kept = list(Reader(str(tmp_path), str(tmp_path / "log")).drain())
    assert [entry.text for entry in kept] == lines[-len(kept) :] and len(kept) > 80
    assert [entry.text for entry in last(kept, 2)] == lines[-2:]


def test_what_the_disk_refuses_is_counted_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, real, room = LogFile(str(tmp_path / "log"), -1, 3), os.write, [200]

    def write(fd: int, data: bytes) -> int:
        """A disk with a little room: it takes a part, then nothing."""
        if not room[0]:
            raise OSError(28, "No space left on device")
        done = real(fd, data[: room[0]])
        room[0] -= done
        return done

    monkeypatch.setattr(os, "write", write)
    for n in range(9):
        log.write("stdout", f"line {n}\n".encode())
    room[0] = 10_000
    log.write("stdout", b"end\n")
    found = list(Reader(str(tmp_path), str(tmp_path / "log")).drain())
    texts = [entry.text for entry in found if not entry.dropped]
    assert texts == [b"line 0\n", b"line 1\n", b"end\n"][-len(texts) :]
    assert sum(entry.dropped for entry in found) == 9 - (len(texts) - 1)


def test_a_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(entries("stdout", b"one\n", WHEN) + b'{"log":"tw')
    log = LogFile(str(path), -1, 3)
    log.write("stdout", b"three\n")
    reader = Reader(str(tmp_path), str(path))
    assert [entry.text for entry in reader.drain()] == [b"one\n", b"three\n"]
    assert reader.unreadable == 1


@pytest.mark.parametrize("kind", ["pipe", "link", "directory"])
def test_what_is_no_file_holds_nobody_up(tmp_path: Path, kind: str) -> None:
    path, other = tmp_path / "log", tmp_path / "other"
    other.write_text("it is not ours\n")
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to(other)
    else:
        path.mkdir()
    log = LogFile(str(path), -1, 3)
    log.write("stdout", b"one\ntwo\n")
    assert log.dropped == 2 and other.read_text() == "it is not ours\n"
    if kind != "link":
        assert not list(Reader(str(tmp_path), str(path)).drain())
        os.rename(path, tmp_path / "away")
        log.write("stdout", b"three\n")
        dropped, three = Reader(str(tmp_path), str(path)).drain()
        assert (dropped.dropped, three.text) == (2, b"three\n")


def test_no_entry_is_longer_than_dockers(tmp_path: Path) -> None:
    log = LogFile(str(tmp_path / "log"), -1, 3)
    pump = Pump(log, select.poll())
    read, write = os.pipe()
    pump.add(read, "stdout")
    data = b"short\n" + b"x" * (3 * PIECE) + b"\nlast"
    os.write(write, data)
    os.close(write)
    pump.drain()
    found = list(Reader(str(tmp_path), str(tmp_path / "log")).drain())
    assert b"".join(entry.text for entry in found) == data
    assert max(len(entry.text) for entry in found) <= PIECE
    assert found[0].text == b"short\n"


def test_log_options_are_read_as_docker_does() -> None:
    given = [logging.option(text, "--log-opt") for text in ("max-size=1m", "max-file=5")]
    assert logging.limits(given) == {"size": 1 << 20, "files": 5}
    assert logging.limits([logging.option("max-size=-1", "--log-opt")])["size"] == -1
    for wrong in ("max-file=0", "labels=a", "max-size=x", "max-size"):
        with pytest.raises(UsageError):
            logging.option(wrong, "--log-opt")


def test_the_last_lines_are_found_from_the_end(tmp_path: Path) -> None:
    log = LogFile(str(tmp_path / "log"), 400_000, 4)
    lines = [f"line {n} {'x' * (n % 90)}\n".encode() for n in range(9000)]
    for line in lines:
        log.write("stdout", line)
    log.write("stderr", b"an end without one")
    whole = list(Reader(str(tmp_path), str(tmp_path / "log")).drain())
    for number in (0, 1, 2, 300, 2000, 5000, 100_000, -1):
        reader, found = tail(str(tmp_path), str(tmp_path / "log"), number)
        assert [e.text for e in found] == [e.text for e in last(whole, number)]
        log.write("stdout", b"more\n")
        assert [entry.text for entry in reader.drain()][-1:] == [b"more\n"]
        whole.append(Entry(b"more\n", "stdout", WHEN, 0))


def test_what_is_written_while_we_read_is_not_run_after(tmp_path: Path) -> None:
    log = LogFile(str(tmp_path / "log"), 2000, 3)
    for n in range(40):
        log.write("stdout", b"%d\n" % n)
    reader = Reader(str(tmp_path), str(tmp_path / "log"))
    seen = []
    for entry in reader.drain(reader.sizes()):  # each line read writes two more
        seen.append(entry.text)
        log.write("stdout", b"more\nmore\n")
    assert 0 < len(seen) <= 40
    assert b"more\n" not in seen
