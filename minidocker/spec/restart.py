"""--restart: which policy a text names. What a policy means stands in engine/backoff.py."""

from __future__ import annotations

from minidocker.errors import UsageError

NAMES = ("no", "always", "unless-stopped", "on-failure")


def parse(text: str, option: str) -> dict[str, object] | None:
    """Read no, always, unless-stopped or on-failure[:TIMES], as Docker writes it in `inspect`."""
    name, colon, times = text.partition(":")
    if name not in NAMES and text:
        raise UsageError(
            f"{option} {text!r} is none of {', '.join(NAMES)}", f"{option} on-failure:3",
            docker=f"invalid restart policy: unknown policy '{name}'; use one of 'no', 'always', "
            "'on-failure', or 'unless-stopped'",
        )  # fmt: skip
    if colon and (name != "on-failure" or not times.isdecimal()):
        raise UsageError(
            f"{option} {text!r}: only on-failure takes a number of times", "on-failure:3",
            docker="invalid restart policy: maximum retry count must be an integer"
            if name == "on-failure"
            else "invalid restart policy: maximum retry count can only be used with 'on-failure'",
        )  # fmt: skip
    if name in ("", "no"):
        return None
    return {"Name": name, "MaximumRetryCount": int(times or 0)}
