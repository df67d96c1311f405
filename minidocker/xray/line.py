"""One line of an x-ray's report, and the words for whose a thing is."""

from __future__ import annotations

from dataclasses import dataclass

OWN, YOURS, GIVEN, CLOSED, UNKNOWN, PLAIN = "own", "yours", "given", "closed", "unknown", ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the report; `state` is own, yours, given, closed, unknown, or "" for a fact."""

    section: str
    what: str
    state: str
    seen: str
