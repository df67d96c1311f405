"""What a learner's `status_of` says of containers, beside what `ps` shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minidocker.engine.standing import exit_code, state_of
from minidocker.proc import living

if TYPE_CHECKING:
    from minidocker.runtime.apart import Own


def facts_of(record: dict[str, Any]) -> dict[str, Any]:
    """Return what a container's record says of its process, as lesson 14 writes it.

    pid, start and boot as they were noted at its start, and `exit` when its end was noted, too.
    """
    pid, start, boot = [*living.written(record["directory"]).split(), "", "", ""][:3]
    found: dict[str, Any] = {"exit": exit_code(record)}
    if pid.isdecimal() and start.isdecimal() and boot:
        found |= {"pid": int(pid), "start": int(start), "boot": boot}
    return found


def word_of(record: dict[str, Any]) -> str:
    """Return our own answer in the four words; "" for what the lesson does not ask about."""
    state = state_of(record)
    if not record.get("keeper") or state not in ("running", "paused", "exited"):
        return ""
    if state != "exited":
        return "running"
    return "crashed" if exit_code(record) is None else "exited"


def differing(record: dict[str, Any], own: Own) -> str:
    """Ask the learner's status_of; return its word where it is another one than ours, else ""."""
    ours = word_of(record)
    if not ours:
        return ""
    said = own(facts_of(record), "/proc")
    return "" if said == ours else str(said)[:40]
