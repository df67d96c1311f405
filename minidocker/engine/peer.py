"""What the keeper says to its standby: words in packets, which may carry descriptors."""

from __future__ import annotations

import os

from minidocker.kernel import packets

WORD = 256  # bytes of one word, at most


class Peer:
    """One end of the line between the two. That the other is gone is never an error."""

    def __init__(self, end: packets.End) -> None:
        self.end = end

    def fileno(self) -> int:
        """Return the descriptor to poll; −1 when the line is closed."""
        return self.end.fileno()

    def tell(self, text: str, *descriptors: int) -> None:
        """Say something to the other, and hand it descriptors."""
        try:
            if descriptors:
                self.end.send(text.encode(), *descriptors)
            else:
                os.write(self.end.fileno(), text.encode())
        except OSError:
            pass

    def hear(self) -> tuple[str, list[str], list[int]]:
        """Take one word: (what it is about, the rest, descriptors); "" when all is said."""
        try:
            data, descriptors = self.end.receive(WORD)
        except OSError:
            data, descriptors = b"", []
        kind, *rest = data.decode(errors="replace").split() or [""]
        return kind, rest, descriptors

    def close(self) -> None:
        """Close this end; harmless when done twice."""
        self.end.close()


def pair() -> tuple[Peer, Peer]:
    """Return both ends."""
    one, two = packets.pair()
    return Peer(one), Peer(two)
