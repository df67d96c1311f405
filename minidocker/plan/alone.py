"""What only a container needs that runs alone: its log, and whether it starts again."""

from __future__ import annotations

from minidocker.errors import UsageError
from minidocker.spec import logging

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.spec.spec import Spec
    from minidocker.spec.words import Asked


def note_alone(spec: Spec, asked: Asked) -> None:
    """Put it into the Spec; refuse a policy for what nobody would start again."""
    spec.log = logging.limits(asked.get("log-opt", ()))
    if spec.restart:
        refuse_restart(spec)


def refuse_restart(spec: Spec) -> None:
    """Refuse a policy for what nobody would start again."""
    if spec.remove:
        raise UsageError(
            "--rm removes what --restart would start again", "leave one out",
            docker="conflicting options: cannot specify both --restart and --rm",
        )  # fmt: skip
    if not spec.detached:
        raise UsageError("--restart is for what runs alone", "minidocker run -d --restart …")
