"""Config: the objects of config.json, each value read by its type.

As the specification wants it: a value of a wrong type is an error, a property that nobody knows is
passed over. What is known and not done here is refused by name.
runtime-spec, config.md, "Extensibility" and "Valid values"
"""

from __future__ import annotations

from minidocker.errors import UsageError
from minidocker.spec.read_json import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

KINDS = {str: "a text", int: "a whole number", bool: "true or false", list: "a list",
         dict: "an object"}  # fmt: skip
LARGEST = 16 << 20  # bytes of a file that we read


class Part:
    """One object, and where it stands; a value that is missing is the default."""

    __slots__ = ("values", "where")

    def __init__(self, value: Any, where: str) -> None:
        if not isinstance(value, dict):
            raise wrong(where, dict)
        self.values = value
        self.where = where

    def name(self, key: str) -> str:
        """Say where a value stands, as people write it: "process.user.uid"."""
        return f"{self.where}.{key}" if self.where else key

    def has(self, key: str) -> bool:
        """Say whether there is such a value; null is none."""
        return self.values.get(key) is not None

    def value(self, key: str, kind: type, default: Any) -> Any:
        """Return a value of this type. (True is no number, though Python says so.)"""
        found = self.values.get(key)
        if found is None:
            return default
        if not isinstance(found, kind) or (kind is int and isinstance(found, bool)):
            raise wrong(self.name(key), kind)
        return found

    def text(self, key: str, default: str = "") -> str:
        """Return a text."""
        return checked(self.value(key, str, default), self.name(key))

    def number(self, key: str, default: int | None = None) -> int | None:
        """Return a whole number of 64 bits, with a sign; or None."""
        found: int | None = self.value(key, int, default)
        if found is not None and not -(1 << 63) <= found < 1 << 63:
            raise UsageError(f"config.json: {self.name(key)} is no number of 64 bits")
        return found

    def natural(self, key: str, bits: int = 32, default: int | None = None) -> int | None:
        """Return a whole number of so many bits, no less than 0; or None."""
        found: int | None = self.value(key, int, default)
        if found is not None and not 0 <= found < 1 << bits:
            raise UsageError(f"config.json: {self.name(key)} is no number from 0 to 2^{bits} - 1")
        return found

    def id(self, key: str) -> int:
        """Return a number that must be there, and be no less than 0."""
        found = self.natural(key)
        if found is None:
            raise UsageError(f"config.json: {self.name(key)} is no number from 0 to 2^32 - 1")
        return found

    def flag(self, key: str, default: bool = False) -> bool:
        """Return true or false."""
        return bool(self.value(key, bool, default))

    def texts(self, key: str) -> list[str]:
        """Return a list of texts."""
        found = self.value(key, list, [])
        if not all(isinstance(item, str) for item in found):
            raise UsageError(f"config.json: {self.name(key)} is not a list of texts")
        return [checked(item, self.name(key)) for item in found]

    def parts(self, key: str) -> list[Part]:
        """Return a list of objects."""
        found = self.value(key, list, [])
        return [Part(item, f"{self.name(key)}[{place}]") for place, item in enumerate(found)]

    def part(self, key: str) -> Part:
        """Return an object; an empty one where there is none."""
        return Part(self.value(key, dict, {}), self.name(key))

    def table(self, key: str) -> dict[str, str]:
        """Return an object whose values are texts."""
        part = self.part(key)
        return {checked(name, part.where): part.text(name) for name in part.values}

    def must(self, key: str) -> str:
        """Return a text that must be there."""
        found = self.text(key)
        if not found:
            raise UsageError(f"config.json: {self.name(key)} is missing")
        return found

    def refuse(self, *keys: str, why: str = "minidocker does not do that") -> None:
        """Refuse what is asked for and not done: nothing is left out in silence."""
        for key in keys:
            if self.values.get(key) not in (None, "", 0, False, [], {}):
                raise UsageError(
                    f"config.json asks for {self.name(key)}: {why}", "leave it out, or take runc"
                )


def wrong(where: str, kind: type) -> UsageError:
    """Say that a value has another type."""
    return UsageError(f"config.json: {where or 'all of it'} is not {KINDS[kind]}")


def checked(text: str, where: str) -> str:
    """Refuse a text that no call of the kernel could take."""
    if "\0" in text:
        raise UsageError(f"config.json: {where} has a zero byte in it")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:  # half of a pair of UTF-16
            raise UsageError(f"config.json: {where} is no text of Unicode") from None
    return text


def load(path: str) -> tuple[str, Part]:
    """Read a file of JSON: its text, and the object in it."""
    try:
        with open(path, encoding="utf-8") as stream:
            text = stream.read(LARGEST + 1)
    except (OSError, UnicodeDecodeError) as problem:
        reason = getattr(problem, "strerror", None) or "it is not UTF-8 text"
        raise UsageError(f"cannot read {path}: {reason}", "minidocker oci spec") from None
    if len(text) > LARGEST:
        raise UsageError(f"{path} is larger than {LARGEST >> 20} MiB")
    return text, parse(text, path)


def parse(text: str, path: str) -> Part:
    """Read JSON: an object."""
    try:
        return Part(loads(text), "")
    except (ValueError, RecursionError) as problem:
        raise UsageError(f"{path} is not JSON: {problem}", f"python3 -m json.tool {path}") from None
