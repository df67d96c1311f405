"""Option: one option, as it is typed, shown and read. Its readers are in words.py."""

from __future__ import annotations

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

FLAG, VALUE, LIST = "flag", "value", "list"


class Option:
    """One option of `run`: the parser, `--help` and the plan all read it here.

    `names` as typed, "-m --memory"; the long one without its dashes is the `key`. A FLAG is there
    or not, a VALUE counts once, a LIST each time. `placeholder`, `group`, `help` are for `--help`.
    `read`(text, first name) returns the value, None when nothing is asked for, or raises
    UsageError; without it the text itself is the value. `field` is where the value goes in the
    Spec, such as "resources.memory"; without it the stage's `plan` sees to that. A value in
    `idle` can be given although the stage is left out. `typed`: in Docker, too, its reader refuses
    what is no such value, so its words for that are known.
    """

    __slots__ = (
        "field", "group", "help", "idle", "key", "kind", "names", "placeholder", "read", "typed",
    )  # fmt: skip

    def __init__(
        self, names: str, kind: str, placeholder: str, group: str, help: str,
        read: Callable[[str, str], Any] | None = None, field: str = "", idle: tuple[Any, ...] = (),
        typed: bool = False,
    ) -> None:  # fmt: skip
        self.names = tuple(names.split())
        self.key = self.names[-1][2:]
        self.kind = kind
        self.placeholder = placeholder
        self.group = group
        self.help = help
        self.read = read
        self.field = field
        self.idle = idle
        self.typed = typed

    def value(self, given: Any) -> Any:
        """Return the value of what was given: True, a text, or all texts of a LIST."""
        if self.read is None:
            return given
        if self.kind == LIST:
            texts = [given] if isinstance(given, str) else given
            return [self.read(text, self.names[0]) for text in texts]
        return self.read(given, self.names[0])
