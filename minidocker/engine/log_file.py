r"""The log of a container that runs alone: Docker's JSON lines, rotated by size.

    {"log":"hello\n","stream":"stdout","time":"2027-01-01T00:00:00.123456789Z"}

A text without its "\n" goes on in the next line of the same stream, as in Docker. Bytes that are
no UTF-8 stand as \udcXX, so that none is lost: Python's "surrogateescape" reads them back.
What a full or read-only disk refuses is dropped and counted; the next line that it takes says so.
"""

from __future__ import annotations

import os
import time

LOG = "log.json"  # in the container's directory
PIECE = 16384  # bytes that one entry has at most, as in Docker
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
_FLAGS |= os.O_NOFOLLOW | os.O_NONBLOCK  # only a file of ours: not what a link names, nor a pipe
# RFC 8259: what must be escaped. The three that text has stand first; the others are rare.
_PLAIN = ((b"\\", b"\\\\"), (b'"', b'\\"'), (b"\t", b"\\t"), (b"\r", b"\\r"))
_RARE = bytes(n for n in range(32) if n not in b"\t\n\r")


class LogFile:
    """One file and its older ones: PATH, PATH.1, PATH.2. `size` −1 is no limit."""

    def __init__(self, path: str, size: int, files: int) -> None:
        self.path = path
        self.most = size
        self.files = files
        self.fd = -1
        self.written = 0
        self.dropped = 0

    def write(self, stream: str, data: bytes) -> None:
        """Append bytes of one stream; no line of them is longer than PIECE. Raises nothing.

        No bytes: the file is made, if it can be.
        """
        entry = entries(stream, data, now()) if data else b""
        try:
            if self.fd < 0:
                self.open()
            if not entry:
                return
            if 0 <= self.most < self.written + len(entry) and self.written:
                self.rotate()
            if self.dropped:
                entry = self.confession(stream) + entry
            self.append(entry)
            self.dropped = 0
        except OSError:
            self.dropped += data.count(b"\n") or 1

    def open(self) -> None:
        """Open the file; a line that a killed writer has left half-written is ended."""
        self.fd = os.open(self.path, _FLAGS, 0o640)
        self.written = os.fstat(self.fd).st_size
        if self.written:
            with open(f"/proc/self/fd/{self.fd}", "rb") as stream:
                stream.seek(-1, os.SEEK_END)
                if stream.read(1) != b"\n":
                    self.append(b"\n")

    def append(self, entry: bytes) -> None:
        """Write it all, or leave the file as it was."""
        done = os.write(self.fd, entry)
        if done < len(entry):  # the disk is full now
            os.ftruncate(self.fd, self.written)
            raise OSError
        self.written += done

    def rotate(self) -> None:
        """Begin a new file; the oldest one goes. There is no fsync: nobody waits for a disk."""
        os.close(self.fd)
        self.fd = -1
        if self.files == 1:
            os.unlink(self.path)
        for number in range(self.files - 1, 0, -1):
            older = f"{self.path}.{number - 1}" if number > 1 else self.path
            try:
                os.rename(older, f"{self.path}.{number}")
            except FileNotFoundError:
                pass
        self.open()

    def confession(self, stream: str) -> bytes:
        """Return the entry that says how many lines are missing here."""
        return (
            f'{{"log":"","stream":"{stream}","time":"{now()}","dropped":{self.dropped}}}\n'.encode()
        )

    def close(self) -> None:
        """Close the file; harmless when done twice."""
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1


def now() -> str:
    """Return the time as Docker writes it: UTC, nanoseconds. RFC 3339"""
    nanoseconds = time.time_ns()
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(nanoseconds // 1_000_000_000))
    return f"{seconds}.{nanoseconds % 1_000_000_000:09}Z"


def entries(stream: str, data: bytes, when: str) -> bytes:
    """Return the JSON lines for some bytes: an entry a line, and one for a last part without end.

    Whole blocks are replaced, not lines one by one: a gigabyte is ten million lines.
    """
    whole = data.endswith(b"\n")
    body = data[:-1] if whole else data
    for plain, escaped in _PLAIN:
        if plain in body:
            body = body.replace(plain, escaped)
    if len(body.translate(None, _RARE)) != len(body):
        for number in _RARE:
            body = body.replace(bytes([number]), b"\\u%04x" % number)
    if not body.isascii():
        # what is no UTF-8 becomes a lone surrogate, and that is written as \udcXX
        text = body.decode("utf-8", "surrogateescape")
        body = text.encode("utf-8", "backslashreplace")
    end = f'","stream":"{stream}","time":"{when}"}}\n'.encode()
    body = body.replace(b"\n", b"\\n" + end + b'{"log":"')
    return b'{"log":"' + body + (b"\\n" if whole else b"") + end
