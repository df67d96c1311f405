"""--log-opt and --log-driver: how much is kept of what a container says that runs alone."""

from __future__ import annotations

from minidocker.errors import UsageError
from minidocker.spec.words import parse_number, parse_size

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Iterable

DRIVER = "json-file"
SIZE, FILES = 10 << 20, 3  # if nothing is said: bytes of one file, and how many files


def option(text: str, name: str) -> tuple[str, int]:
    """Read one --log-opt: max-size=SIZE (-1 is no limit) or max-file=N."""
    key, _, value = text.partition("=")
    if key == "max-size":
        return "size", -1 if value == "-1" else parse_size(value, f"{name} max-size")
    if key == "max-file":
        number = parse_number(value, f"{name} max-file")
        if number >= 1:
            return "files", number
    raise UsageError(
        f"{name} {text!r} is neither max-size=SIZE nor max-file=N", f"{name} max-size=1m",
        docker=f"unknown log opt '{key}' for {DRIVER} log driver",
    )  # fmt: skip


def driver(text: str, name: str) -> None:
    """Refuse every driver but the one that we have."""
    if text not in ("", DRIVER):
        raise UsageError(
            f"{name} {text}: what a container says is kept in Docker's JSON lines", DRIVER
        )


def limits(given: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Return both limits; the last one of a kind counts."""
    return {"size": SIZE, "files": FILES, **dict(given)}
