"""A stream of bytes that is read once, front to back, in blocks of whatever size they come in."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from minidocker.errors import UsageError


class Stream:
    """Hands out the bytes that `read()` brings: any number at a time, b"" at the end.

    `title` is how messages call the file. Pieces are views of the blocks: nothing is copied.
    """

    def __init__(self, read: Callable[[], bytes], title: str) -> None:
        self.title = title
        self._read = read
        self._block = b""
        self._at = 0  # how much of _block is used
        self._before = 0  # how long the blocks before it were, together

    @property
    def position(self) -> int:
        """How many bytes have been handed out."""
        return self._before + self._at

    def at_end(self) -> bool:
        """Say whether nothing follows; this may wait for the next block."""
        while self._at == len(self._block):
            if not self._fetch():
                return True
        return False

    def take(self, size: int) -> bytes:
        """Return exactly `size` bytes (few: they are copied); UsageError where the file ends."""
        piece = self._block[self._at : self._at + size]
        self._at += len(piece)
        while len(piece) < size:
            self._need()
            more = self._block[: size - len(piece)]
            self._at = len(more)
            piece += more
        return piece

    def pieces(self, size: int) -> Iterator[memoryview]:
        """Yield `size` bytes in pieces; UsageError where the file ends before."""
        while size:
            if self._at == len(self._block):
                self._need()
            piece = memoryview(self._block)[self._at : self._at + size]
            self._at += len(piece)
            size -= len(piece)
            yield piece

    def drain(self) -> None:
        """Read to the end of the file: what stands there belongs to its digest."""
        while self._fetch():
            pass

    def damaged(self, why: str) -> UsageError:
        """Return the error for a file that cannot be read on."""
        return UsageError(
            f"{self.title} is damaged near byte {self.position}: {why}",
            "get the file again, and compare its checksum with the published one",
        )

    def _fetch(self) -> bool:
        self._before += len(self._block)
        self._block = self._read()
        self._at = 0
        return bool(self._block)

    def _need(self) -> None:
        if not self._fetch():
            raise self.damaged("it ends too early")


def shown(name: bytes) -> str:
    """Return a file name for a message: readable, on one line, in quotes, and not too long."""
    text = name.decode("utf-8", "backslashreplace")
    quoted = repr(text).replace("\\\\x", "\\x")
    return quoted if len(quoted) <= 100 else quoted[:60] + "…" + quoted[-30:]
