"""libc: the way into the kernel. With foreign.py, the only one that knows ctypes.

There is one path from errno to `KernelError`. PyDLL, not CDLL: the interpreter lock stays held
during a call, so a child made by clone3 finds the interpreter in order.
"""

from __future__ import annotations

import os

from minidocker.errors import KernelError
from minidocker.kernel import foreign as ctypes

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["ask", "call", "ctypes", "libc"]

libc = ctypes.PyDLL(None, use_errno=True)


def call(name: str, function: Any, *args: Any, path: str = "", detail: str = "") -> int:
    """Call a libc function; −1 becomes KernelError. Strings and paths are passed as bytes.

    detail: where a call has two paths, the other one.
    """
    result = function(*[os.fsencode(a) if isinstance(a, (str, os.PathLike)) else a for a in args])
    if result == -1:
        raise KernelError(name, ctypes.get_errno(), path, detail)
    return int(result)


def ask(name: str, path: str, function: Callable[..., Any], *args: Any) -> Any:
    """Call a function of `os`; its OSError becomes KernelError with the call's name."""
    try:
        return function(*args)
    except OSError as problem:
        raise KernelError(name, problem.errno or 0, path) from None
