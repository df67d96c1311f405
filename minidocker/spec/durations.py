"""Durations as Go writes and reads them: 30s, 1m30s, 250ms."""

from __future__ import annotations

import re

from minidocker.errors import UsageError

NANO = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9,
        "h": 3600 * 10**9}  # fmt: skip
SHORTEST = NANO["ms"]
PIECE = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)", re.ASCII)


def nanoseconds(text: str) -> int | None:
    """Read "1m30s", in nanoseconds; None for what is no duration. A time below 0 has a sign."""
    if text == "0":
        return 0
    plain = text[1:] if text[:1] in ("-", "+") else text
    found = PIECE.findall(plain)
    if not found or "".join(map("".join, found)) != plain:
        return None
    total = sum(int(float(number) * NANO[unit]) for number, unit in found)
    return -total if text.startswith("-") else total


def span(text: str, option: str) -> int:
    """Read the value of an option that is 0, or 1 ms and more; in nanoseconds."""
    found = nanoseconds(text)
    if found is None:
        reason = "missing unit in" if text.isdecimal() and text.isascii() else "invalid"
        raise UsageError(
            f"{option} {text!r} is no time", f"{option} 30s",
            docker=f'invalid argument "{text}" for "{option}" flag: time: {reason} duration '
            f'"{text}"',
        )  # fmt: skip
    if found < 0:
        raise UsageError(f"{option} {text} is below 0", f"{option} 30s",
                         docker=f"{option} cannot be negative")  # fmt: skip
    if 0 < found < SHORTEST:
        what = "".join(word.capitalize() for word in option.removeprefix("--health-").split("-"))
        raise UsageError(
            f"{option} {text} is too short", f"{option} 1s",
            docker=f"{what} in Healthcheck cannot be less than 1ms",
        )  # fmt: skip
    return found


def count(text: str, option: str) -> int:
    """Read a number of times: 0 and more."""
    if not re.fullmatch(r"-?\d{1,9}", text, re.ASCII):
        raise UsageError(f"{option} {text!r} is no number", f"{option} 3")
    if text.startswith("-"):
        raise UsageError(f"{option} {text} is below 0", f"{option} 3",
                         docker=f"{option} cannot be negative")  # fmt: skip
    return int(text)
