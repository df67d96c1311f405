"""The quick start's half that lies in the bundle itself: are the sources still the same? Load.

The launcher (environment.py) has seen by then that the bundle is ours, whole, and of this Python.
"""

from __future__ import annotations

import builtins
import errno
import os
import sys

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, ModuleType
    from typing import Any

    Stamp = tuple[int, int]
    # name, file, package, the name in it, __path__ (of a package), code
    Module = tuple[str, str, str, str, list[str] | None, CodeType]
else:
    ModuleType = type(sys)  # the module types would be a file more
original_import = builtins.__import__


def stamp(file: str) -> Stamp:
    """Return what changes when somebody writes to a file, or puts another in its place.

    The kernel sets the time of the last status change at each write, chmod and utime; unlike the
    time of writing, nobody can set it back. inode(7)
    """
    found = os.stat(file)
    return found.st_size, found.st_ctime_ns


def load(stamps: list[tuple[str, Stamp]], modules: list[Module]) -> bool:
    """Load the modules; False, and nothing is done, when a source has changed since."""
    try:
        for file, then in stamps:
            if stamp(file) != then:
                return False
    except OSError:
        return False
    made = {}
    for name, file, package, _, path, _ in modules:
        made[name] = module = ModuleType(name)
        module.__file__, module.__package__ = file, package if path is None else name
        if path is not None:
            module.__path__ = path
    sys.modules.update(made)
    builtins.__import__ = quick_import({**made, "errno": errno})
    try:
        for name, _, package, last, _, code in modules:  # each after those that its body imports
            exec(code, made[name].__dict__)
            if package:
                setattr(made[package], last, made[name])
    finally:
        builtins.__import__ = original_import  # ours is for no other code
    return True


def quick_import(made: dict[str, ModuleType]) -> Callable[..., Any]:
    """Return an __import__ for `from one of these modules import …`.

    The interpreter's own would do, but it asks each module whether it is a package, and for
    one that is none it writes an error's text and throws it away: 250 times in a start.
    """

    def find(name: str, own: Any = None, local: Any = None, words: Any = (), level: int = 0) -> Any:
        if words and name in made:
            return made[name]
        return original_import(name, own, local, words, level)

    return find
