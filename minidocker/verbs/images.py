"""`minidocker images`: the short form of `minidocker image ls`."""

from __future__ import annotations

from minidocker.verbs import image


def main(argv: list[str]) -> int:
    """List images; return the exit status."""
    return image.main(["ls", *argv])
