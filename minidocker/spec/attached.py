"""Which streams of a container in the foreground its caller has: -a."""

from __future__ import annotations

from minidocker.errors import UsageError

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from typing import Any

STREAMS = ("stdin", "stdout", "stderr")


def parse(text: str, _: str) -> str:
    """Read one stream's name, in any letters."""
    if text.lower() not in STREAMS:
        raise UsageError(
            f"-a {text!r} is none of stdin, stdout, stderr", "-a stdout", 125,
            docker=f'invalid argument "{text}" for "-a, --attach" flag: valid streams are STDIN, '
            "STDOUT and STDERR",
        )  # fmt: skip
    return text.lower()


def chosen(found: dict[str, Any]) -> list[str]:
    """Return the streams of -a; refuse what goes with no such choice."""
    streams = [parse(text, "-a") for text in found["attach"]]
    if found.get("detach"):
        raise UsageError(
            "-a shows streams, and -d shows none", "leave one out", 1,
            docker="conflicting options: cannot specify both --attach and --detach",
        )  # fmt: skip
    if found.get("tty") and "stdout" not in streams:
        raise UsageError(f"-a {streams[0]} with -t: a terminal is one stream both ways",
                         "-a stdout too, or no -t", 125)  # fmt: skip
    return streams
