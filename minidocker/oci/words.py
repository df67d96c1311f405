"""Words: errors as callers look for them; Podman makes exit statuses of them."""

from __future__ import annotations

import os
from errno import ENOENT

from minidocker.errors import MinidockerError
from minidocker.runtime.gate import LABEL_STEP, refusal


def not_executed(command: str, step: int, number: int) -> MinidockerError:
    """Put what the gate wrote into the words that callers look for, as runc has them."""
    told = refusal(command, step, number)
    if step == LABEL_STEP:
        reason = "profile not loaded" if number == ENOENT else os.strerror(number)
        told.message = f"cannot apply the apparmor profile: {reason}"
    if step == 1:  # execve(2)
        reason = os.strerror(number)
        told.message = f"exec {command}: {reason[:1].lower()}{reason[1:]}"
    return told
