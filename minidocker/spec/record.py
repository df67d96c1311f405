"""Record: what all sections of a Spec are, and leases and ports too.

A plain class with __slots__: a dozen dataclasses would cost each start 30 ms.
"""

from __future__ import annotations


class Record:
    """A plain record: keyword arguments become attributes; `as_dict` goes back."""

    __slots__: tuple[str, ...] = ()

    def __init__(self, **values: object) -> None:
        for name in self.__slots__:
            setattr(self, name, values.pop(name, None))
        if values:
            raise TypeError(f"{type(self).__name__} has no {', '.join(values)}")

    def as_dict(self) -> dict[str, object]:
        """Return the record as plain dictionaries and lists, ready for JSON."""
        return {name: _plain(getattr(self, name)) for name in self.__slots__}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.as_dict()})"


def _plain(value: object) -> object:
    if isinstance(value, Record):
        return value.as_dict()
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
