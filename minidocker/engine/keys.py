"""The detach keys: what is typed to leave a terminal, while its command runs on."""

from __future__ import annotations

from minidocker.errors import UsageError

USUAL = "ctrl-p,ctrl-q"


def detach_keys(text: str) -> bytes:
    """Read --detach-keys: letters and ctrl-LETTER, with commas between; "" turns them off."""
    keys = b""
    for word in text.split(",") if text else []:
        name = word.lower().removeprefix("ctrl-")
        control = word.lower() != name
        if len(name) != 1 or not name.isascii() or (control and not "@" <= name.upper() <= "_"):
            raise UsageError(
                f"--detach-keys {text!r}: {word!r} is no key", f"such as {USUAL}",
                docker=f"invalid detach keys ({text}) provided",
            )  # fmt: skip
        keys += bytes([ord(name.upper()) & 0x1F]) if control else word.encode()
    return keys


def pass_on(keys: bytes, typed: bytes, data: bytes) -> tuple[bytes, bytes, bool]:
    """Look for the detach keys in what is typed: (what is for the command, what waits, found).

    typed: the first of the keys, which were typed before. What turns out to be another word goes
    on, but for its end, which may be the beginning of the keys: ctrl-p ctrl-p ctrl-q leaves.
    """
    kept = b""
    for byte in data:
        typed += bytes([byte])
        while not keys.startswith(typed):
            kept, typed = kept + typed[:1], typed[1:]
        if typed == keys:
            return kept, b"", True
    return kept, typed, False
