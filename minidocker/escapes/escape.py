"""Escape: one known way out of a container, or a way to harm what is outside.

The attack is a text that runs inside: shell for the base image's busybox, or Python where it must
make system calls itself. It finds what it needs in variables (`M_PID`, `M_VOLUME`, …). What it
prints is believed in one case only: when it is the yard's secret, which stands outside alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# A yard.Yard. Not named by its type: the yard is built around an escape, and stands above this.
Yard = Any

def nothing(yard: Yard) -> None:
    """Set nothing up."""


def secret_printed(yard: Yard) -> bool:
    """The attack has printed the secret, which can be read outside only."""
    return yard.secret in yard.printed()


@dataclass(frozen=True, slots=True)
class Escape:
    """One way out: `name`, one sentence, where it is described, the attack and the probe.

    `options` go to `minidocker run` and to Podman; `begin` is the first stage of the ladder at
    which the attack can be tried. `bare` is what the first rung runs, where there is no runtime.
    `needs`: "vm" (it would touch the whole machine) or "cgroup2". `kernel_only`: no wall of a
    container covers it. `seconds` is how long it may take. `refusal`: the runtime may end it by
    refusing to start the container.
    """

    name: str
    what: str
    source: str
    attack: str = ""
    python: bool = False
    options: tuple[str, ...] = ()
    volume: bool = False
    begin: str = ""
    bare: str = ""
    needs: tuple[str, ...] = ()
    kernel_only: bool = False
    terminal: bool = False
    seconds: float = 10.0
    refusal: bool = False
    holds: str = ""
    program: tuple[str, ...] = ()
    setup: Callable[[Yard], None] = nothing
    probe: Callable[[Yard], bool] = secret_printed
