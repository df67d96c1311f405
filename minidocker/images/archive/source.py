"""Where an archive's bytes come from: a file or standard input, plain or packed, hashed on the way.

    file ──read──┬─► unpacked by gzip, xz, bzip2 or zstd ──┬──► Stream ──► Archive
                 └─► kept as it came, as a blob            └──► sha256, in a thread of its own

hashlib lets go of the interpreter's lock while it works, so on two processors the digest costs
almost no time beside the unpacking.
"""

from __future__ import annotations

import errno
import hashlib
import importlib
import io
import os
import queue
import stat
import subprocess
import threading
from collections.abc import Callable
from typing import Any, BinaryIO, cast

from minidocker.errors import Blocked, NotFound, UsageError

BLOCK = 1 << 20
Progress = Callable[[int, int], None]  # (bytes read so far, bytes in all; 0 when unknown)

# How each packed file begins, and what in Python's library unpacks it.
PACKED = {  # module, and its exception that is no OSError
    b"\x1f\x8b": ("gzip", "zlib.error"),
    b"\xfd7zXZ\0": ("lzma", "lzma.LZMAError"),
    b"BZh": ("bz2", ""),
}
ZSTD = b"\x28\xb5\x2f\xfd"
FULL = (errno.ENOSPC, errno.EDQUOT)
ZIP = b"PK\x03\x04"


class Source:
    """The plain bytes of a tar file: `read()` gives the next block, `digest()` closes the sum.

    A context manager; `path` "-" is standard input. What is read goes into `keep`, too, as it
    came: see `kept`. NotFound, UsageError or Blocked where the file cannot be opened or unpacked.
    """

    def __init__(
        self, path: str, progress: Progress | None = None, keep: BinaryIO | None = None,
        title: str = "",
    ) -> None:  # fmt: skip
        self.title = title or ("standard input" if path == "-" else path)
        self._keep = keep
        self._program: subprocess.Popen[bytes] | None = None
        self._feeder: threading.Thread | None = None
        self.packing: str | None = ""  # "gzip", "zstd", or None for what no registry knows
        self._disk_is_full = False
        self._raw = _Counted(_open(path), progress, _Kept(keep) if keep else None)
        try:
            self._packed = io.BufferedReader(self._raw, BLOCK)
            self._file = self._unpacker(self._packed.peek(8))
            if self._raw.keep and not self.packing:
                self._raw.keep.hashing = False
        except BaseException:
            self._raw.close()
            raise
        self._sum = hashlib.sha256()
        self._blocks: queue.Queue[bytes] = queue.Queue(maxsize=8)
        self._hasher = threading.Thread(target=self._hash, daemon=True)
        self._hasher.start()

    def read(self) -> bytes:
        """Return the next block, b"" at the end; UsageError for a damaged packed file."""
        try:
            block = self._file.read(BLOCK)
        except self._errors as problem:
            if isinstance(problem, OSError) and problem.errno in FULL:
                raise self._full() from None
            raise self._broken(str(problem)) from None
        if not block and self._disk_is_full:
            raise self._full()
        if not block and self._program and self._program.wait():
            raise self._broken("zstd cannot unpack it")
        if block:
            self._blocks.put(block)
            if self._plain:
                self._plain.write(block)
        return block

    def kept(self) -> tuple[str, str, int]:
        """Return (packing, hex, size) of what was kept: packing is "", "gzip" or "zstd".

        A registry knows no others, so what was packed in another way is kept plain.
        """
        if self._plain:
            return "", self._plain.sum.hexdigest(), self._plain.size
        assert self._raw.keep
        plain = not self.packing  # then the sum of what comes out is that of what went in
        digest = self.digest() if plain else self._raw.keep.sum.hexdigest()
        return self.packing or "", digest, self._raw.keep.size

    def digest(self) -> str:
        """Return the sha256 of all that was read, in hex."""
        self._stop()
        return self._sum.hexdigest()

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: object) -> None:
        if self._program:
            self._program.kill()
            self._program.wait()
            self._file.close()
            if self._feeder and self.title != "standard input":  # that may never bring more
                self._feeder.join()
        self._stop()
        self._raw.close()

    def _hash(self) -> None:
        while block := self._blocks.get():
            self._sum.update(block)

    def _stop(self) -> None:
        if self._hasher.is_alive():
            self._blocks.put(b"")
            self._hasher.join()

    def _full(self) -> Blocked:
        return Blocked(f"the disk is too full to unpack {self.title}", "minidocker prune")

    def _broken(self, why: str) -> UsageError:
        return UsageError(
            f"{self.title} is damaged: {why}",
            "get the file again, and compare its checksum with the published one",
        )

    def _unpacker(self, start: bytes) -> BinaryIO:
        """Return a file of plain bytes for a packed file that begins so; sets `_errors`."""
        self._errors: tuple[type[Exception], ...] = (OSError, EOFError)
        self._plain: _Kept | None = None
        if start.startswith(ZIP):
            raise UsageError(f"{self.title} is a zip archive", "unpack it, and pack it with tar")
        if is_zstd(start):
            self.packing = "zstd"
            return self._zstd()
        for magic, (module, error) in PACKED.items():
            if start.startswith(magic):
                try:
                    loaded = importlib.import_module(module)
                except ImportError:
                    raise self._no_tool(module) from None
                if error:
                    owner, _, word = error.rpartition(".")
                    self._errors += (getattr(importlib.import_module(owner), word),)
                self._keep_plain_unless(module == "gzip")
                return cast(BinaryIO, loaded.open(self._packed))
        return self._packed

    def _keep_plain_unless(self, known: bool) -> None:
        self.packing = "gzip" if known else None
        if known:
            return
        if self._keep:
            self._raw.keep = None
            self._keep.seek(0)
            self._keep.truncate()
            self._plain = _Kept(self._keep)

    def _no_tool(self, tool: str) -> Blocked:
        return Blocked(
            f"{self.title} is packed in a way that needs {tool}, which is not here",
            f"apt-get install {tool}" if tool == "zstd" else "unpack it before",
        )

    def _zstd(self) -> BinaryIO:
        """Let zstd(1) unpack it; a thread feeds it, since the file may be a pipe, begun already."""
        try:
            self._program = subprocess.Popen(
                ["zstd", "-dcq"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        except FileNotFoundError:
            raise self._no_tool("zstd") from None
        feeder = threading.Thread(target=self._feed, args=[self._program.stdin], daemon=True)
        feeder.start()
        self._feeder = feeder
        return cast(BinaryIO, self._program.stdout)

    def _feed(self, pipe: BinaryIO) -> None:
        try:
            with pipe:
                while block := self._packed.read(BLOCK):
                    pipe.write(block)
        except (OSError, ValueError) as problem:
            self._disk_is_full = getattr(problem, "errno", 0) in FULL
            # else zstd has ended, or the import was given up: `read` tells it


def is_zstd(start: bytes) -> bool:
    """Say whether a file begins as zstd's do: a frame, or one to skip before it, as of pzstd."""
    return start.startswith(ZSTD) or (start[1:4] == b"\x2a\x4d\x18" and start[0] >> 4 == 5)


class _Kept:
    """A file that is written to the end once; `sum` and `size` are those of what it got."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.sum = hashlib.sha256()
        self.hashing = True
        self.size = 0

    def write(self, piece: bytes | memoryview) -> None:
        """Write it all."""
        if self.hashing:
            self.sum.update(piece)
        self._file.write(piece)
        self.size += len(piece)


class _Counted(io.RawIOBase):
    """A descriptor that tells, after each read, how far it got. Closes the descriptor, if not 0."""

    def __init__(self, fd: int, progress: Progress | None, keep: _Kept | None) -> None:
        self._fd = fd
        self.keep = keep
        self._progress = progress
        self._done = 0
        found = os.fstat(fd)
        self._all = found.st_size if stat.S_ISREG(found.st_mode) else 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        got = os.readv(self._fd, [buffer])
        self._done += got
        if self.keep:
            self.keep.write(memoryview(buffer)[:got])
        if self._progress:
            self._progress(self._done, self._all)
        return got

    def close(self) -> None:
        if not self.closed and self._fd > 0:
            os.close(self._fd)
        super().close()


def _open(path: str) -> int:
    """Open the archive; every way in which that fails gets its own sentence."""
    if path == "-":
        if os.isatty(0):
            raise UsageError("standard input is a terminal, not an archive", "… < FILE.tar")
        return 0
    if path.startswith(("http://", "https://")):
        raise UsageError(
            f"{path} is not a local file", f"curl -L {path} | minidocker import - NAME"
        )
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}", "ls " + (os.path.dirname(path) or ".")) from None
    except OSError as problem:
        raise UsageError(f"{path} cannot be read: {problem.strerror}", "sudo …") from None
    if stat.S_ISDIR(os.fstat(fd).st_mode):
        os.close(fd)
        raise UsageError(
            f"{path} is a directory, not an archive",
            f"tar -C {path} --numeric-owner -c . | minidocker import - NAME",
        )
    return fd
