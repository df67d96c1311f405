"""Adopt: put a learner's functions into the stages.

The learner's file is executed once, on the host, before anything else happens; the functions
that the manifest names become the parts of a subclass of the reference stage.
"""

from __future__ import annotations

import linecache
import os
import traceback
import types
import warnings

from minidocker.errors import UsageError
from minidocker.runtime import used

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from minidocker.stages.base import Stage


def load(file: str) -> dict[str, Any]:
    """Execute a learner's file and return its names.

    A file that is missing, does not parse, raises or exits gives UsageError with the place;
    its lines are read now, since later, behind the new root, they are out of reach.
    """
    path = os.path.abspath(file)
    try:
        with open(path, encoding="utf-8") as stream:
            text = stream.read()
    except (OSError, UnicodeDecodeError) as problem:
        reason = getattr(problem, "strerror", None) or "it is not UTF-8 text"
        raise UsageError(f"cannot read {file}: {reason}", "name a Python file") from None
    # (size, no mtime, lines, name): an entry without mtime is kept when the file is out of reach
    linecache.cache[path] = (len(text), None, text.splitlines(keepends=True), path)
    _load_what_traceback_needs()
    module = types.ModuleType(os.path.basename(path).removesuffix(".py"))
    module.__file__ = path
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # ...() is a hole, not filled in yet
            code = compile(text, path, "exec")
        exec(code, module.__dict__)
    except SyntaxError as problem:
        raise UsageError(
            f"{file}, line {problem.lineno}: {problem.msg}", f"python3 -m py_compile {file}"
        ) from None
    except (Exception, SystemExit) as problem:
        raise UsageError(
            f"{file} stops at import: {type(problem).__name__}: {problem}",
            f"move what runs into a function\n{own_frames(problem, [path])}",
        ) from None
    return module.__dict__


def adopt(reference: type[Stage], names: Iterable[str], file: str) -> type[Stage]:
    """Return a subclass of `reference` whose parts `names` come from `file`.

    A name that the file lacks stays the reference's; `origin` says whose each part is.
    When the file has none of them, UsageError: it is the wrong file.
    """
    namespace = load(file)
    wanted = list(names)
    found = {name: namespace[name] for name in wanted if callable(namespace.get(name))}
    if not found:
        raise UsageError(
            f"{file} defines none of {', '.join(wanted)}",
            f"these are the parts of the stage {reference.name}: define one of them",
        )
    members: dict[str, Any] = {
        name: staticmethod(used.noting(function, name, file)) for name, function in found.items()
    }
    members["origin"] = {**reference.origin, **dict.fromkeys(found, file)}
    members["__doc__"] = reference.__doc__
    return type(reference.__name__, (reference,), members)


def own_frames(problem: BaseException, files: Iterable[str]) -> str:
    """Format the frames of a traceback that lie in the learner's files, and the error itself."""
    wanted = {os.path.abspath(file) for file in files}
    frames = [f for f in traceback.extract_tb(problem.__traceback__) if f.filename in wanted]
    lines = [*traceback.format_list(frames), f"{type(problem).__name__}: {problem}"]
    return "".join(lines)


def _load_what_traceback_needs() -> None:
    """Format one traceback now: Python 3.13 imports modules for it at its first use."""
    try:
        raise RuntimeError
    except RuntimeError as problem:
        own_frames(problem, [__file__])
