"""--health-…, and what an image says of it: put together into spec.health as Docker does.

An image is a stranger's: what is not of the right kind there is as if it were not said.
"""

from __future__ import annotations

import json

from minidocker.errors import UsageError
from minidocker.spec.checkup import TIMES
from minidocker.spec.durations import SHORTEST

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from typing import Any

    from minidocker.spec.spec import Spec
    from minidocker.spec.words import Asked

OPTIONS = {"health-interval": "Interval", "health-timeout": "Timeout",
           "health-start-period": "StartPeriod", "health-start-interval": "StartInterval",
           "health-retries": "Retries"}  # fmt: skip
LARGEST = 32 * 1024  # bytes of a test
LONGEST = 10**18  # nanoseconds: 31 years


def note_health(spec: Spec, asked: Asked) -> None:
    """Put it into the Spec; what runs in the foreground has no keeper that could look."""
    typed = [name for name in ("health-cmd", *OPTIONS) if asked.get(name)]
    if "no-healthcheck" in asked:
        if typed:
            raise UsageError(
                f"--no-healthcheck and --{typed[0]} contradict each other", "leave one out",
                docker="--no-healthcheck conflicts with --health-* options",
            )  # fmt: skip
        spec.health = {"Test": ["NONE"]}
        return
    if typed and not spec.detached:
        raise UsageError(
            f"--{typed[0]} is for what runs alone: its keeper looks", f"-d --{typed[0]} …"
        )
    if not spec.detached:
        return
    health = of_image(parsed(asked.image.get("Healthcheck")))
    if command := asked.get("health-cmd"):
        health["Test"] = ["CMD-SHELL", command]
    health.update({OPTIONS[name]: asked[name] for name in typed if name in OPTIONS})
    if health:
        shell = words(parsed(asked.image.get("Shell"))) or ["/bin/sh", "-c"]
        spec.health = {**health, "args": args(health.get("Test") or [], shell)}


def parsed(text: str | None) -> Any:
    """Return what a JSON text of an image's says; None for none, and for what is no such text."""
    try:
        return json.loads(text or "null")
    except (ValueError, RecursionError):
        return None


def of_image(said: Any) -> dict[str, Any]:
    """Return what an image says of its health, as far as it can be meant."""
    if not isinstance(said, dict):
        return {}
    found: dict[str, Any] = {}
    if test := words(said.get("Test")):
        found["Test"] = test
    for name in (*TIMES, "Retries"):
        number = said.get(name)
        if isinstance(number, int) and number > 0:
            shortest = SHORTEST if name in TIMES else 1
            found[name] = min(max(number, shortest), LONGEST)
    return found


def words(said: Any) -> list[str]:
    """Return a list of texts that can be a command's words; an empty one for anything else."""
    if not isinstance(said, list) or not all(isinstance(word, str) for word in said):
        return []
    try:
        data = "".join(said).encode()
    except UnicodeEncodeError:
        return []
    return said if len(data) <= LARGEST and b"\0" not in data else []


def args(test: list[str], shell: list[str]) -> list[str]:
    """Return the command to run inside; none for NONE, and for what Docker does not know."""
    kind, *rest = test or [""]
    if kind == "CMD":
        return rest
    return [*shell, rest[0]] if kind == "CMD-SHELL" and rest else []
