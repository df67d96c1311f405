"""--restart: which policy a text names. What a policy means stands in engine/backoff.py."""

from __future__ import annotations

from minidocker.errors import UsageError

NAMES = ("no", "always", "unless-stopped", "on-failure")


def parse(text: str, option: str) -> dict[str, object] | None:
    """Read no, always, unless-stopped or on-failure[:TIMES], as Docker writes it in `inspect`."""
    name, colon, times = text.partition(":")
    if colon and not name:
        raise UsageError(
            f"{option} {text!r} names no policy", f"{option} on-failure{text}",
            docker="invalid restart policy format: no policy provided before colon",
        )  # fmt: skip
    if name not in NAMES and text:
        raise UsageError(
            f"{option} {text!r} is none of {', '.join(NAMES)}", f"{option} on-failure:3",
            docker=f"invalid restart policy: unknown policy '{name}'; use one of 'no', 'always', "
            "'on-failure', or 'unless-stopped'",
        )  # fmt: skip
    if times and (name != "on-failure" or not (times.isascii() and times.isdecimal())):
        wrong = ": maximum retry count can only be used with 'on-failure'"
        if name == "on-failure":
            wrong = " format: maximum retry count must be an integer"
            if times[0] == "-" and times[1:].isdecimal():
                wrong = ": maximum retry count cannot be negative"
        raise UsageError(
            f"{option} {text!r}: only on-failure takes a number of times", "on-failure:3",
            docker=f"invalid restart policy{wrong}",
        )  # fmt: skip
    if name in ("", "no"):
        return None
    return {"Name": name, "MaximumRetryCount": int(times or 0)}
