"""Finding: one thing that the doctor looked at."""

from __future__ import annotations

from dataclasses import dataclass

OK, GAP, INFO = "ok", "gap", "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, and found: `state` is ok, gap or info; `fix` is the line that helps."""

    id: str
    title: str
    state: str
    seen: str
    fix: str = ""
    group: str = "machine"

    @property
    def ok(self) -> bool:
        """Whether what needs this can run; an info never stands in the way."""
        return self.state != GAP

    def as_dict(self) -> dict[str, str]:
        """Return the finding as it stands in `minidocker doctor --json`."""
        names = ("id", "group", "title", "state", "seen", "fix")
        return {name: getattr(self, name) for name in names}
