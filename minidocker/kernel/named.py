"""Named: the functions of `os`, `fcntl` and `open`, whose errors say which call it was.

An OSError of Python's knows the errno, and the path if there was one; not the call. A message
without the call helps nobody, so code that asks the kernel by itself writes

    from minidocker.kernel.named import os
"""

from __future__ import annotations

import builtins
import fcntl as _fcntl
import os as _os

from minidocker.errors import KernelError

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    import fcntl as fcntl
    import os as os
    from builtins import open as open
    from typing import Any


SEVERAL = {"makedirs": "mkdir"}  # functions of Python's: which call they repeat


class Named:
    """Stands for a module: what is called and fails raises KernelError with the call's name."""

    def __init__(self, module: Any) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._module, name)
        if type(found) is type(_os.getpid):  # a function in C: one call of the kernel's
            found = _naming(name, found)
        elif name in SEVERAL:
            found = _naming(SEVERAL[name], found)
        self.__dict__[name] = found
        return found


def _naming(name: str, function: Any) -> Any:
    def named(*args: Any, **more: Any) -> Any:
        try:
            return function(*args, **more)
        except OSError as problem:
            raise named_error(name, problem, args) from None

    return named


def named_error(name: str, problem: OSError, args: tuple[Any, ...]) -> KernelError:
    """Put the call, its errno and its path together."""
    if isinstance(problem, KernelError):
        return problem
    path = problem.filename or (args[0] if args and isinstance(args[0], str | bytes) else "")
    return KernelError(f"{name}(2)", problem.errno or 0, _os.fsdecode(path) if path else "")


if not TYPE_CHECKING:
    os = Named(_os)
    fcntl = Named(_fcntl)
    open = _naming("open", builtins.open)
