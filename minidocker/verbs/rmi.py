"""`minidocker rmi`: the short form of `minidocker image rm`."""

from __future__ import annotations

from minidocker.verbs import image


def main(argv: list[str]) -> int:
    """Remove images; return the exit status."""
    return image.main(["rm", *argv])
