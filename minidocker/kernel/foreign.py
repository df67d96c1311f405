"""Foreign functions: the part of ctypes that linux.py uses, over the C half of ctypes.

The package ctypes has types for everything, and what they need costs a start of `run` 2 ms.
Where the C half, which is private to Python, lacks a name, the package is used after all.
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    LEAN = False
else:
    try:
        from _ctypes import (
            FUNCFLAG_CDECL,
            FUNCFLAG_PYTHONAPI,
            FUNCFLAG_USE_ERRNO,
            addressof,
            dlopen,
            get_errno,
            sizeof,
        )
        from _ctypes import CFuncPtr as Foreign
        from _ctypes import _SimpleCData as Simple

        LEAN = True
    except ImportError:
        LEAN = False

if not LEAN:
    from ctypes import (
        PyDLL,
        addressof,
        c_uint,
        c_uint32,
        c_uint64,
        c_ulong,
        create_string_buffer,
        get_errno,
        pythonapi,
        sizeof,
    )
elif not TYPE_CHECKING:

    class c_char(Simple):
        _type_ = "c"  # as in the module struct

    class c_uint(Simple):
        _type_ = "I"

    class c_ulong(Simple):
        _type_ = "L"

    c_uint32, c_uint64 = c_uint, c_ulong  # so it is on Linux with 64 bits

    def create_string_buffer(init, size=None):
        """Make a buffer of `size` bytes that begins with `init`; alone, `init` is the size."""
        buffer = (c_char * (init if size is None else size))()
        if size is not None:
            buffer.raw = init.ljust(size, b"\0")
        return buffer

    class Function(Foreign):
        _flags_ = FUNCFLAG_CDECL | FUNCFLAG_PYTHONAPI | FUNCFLAG_USE_ERRNO  # and it returns an int

    class PyDLL:
        """A library, whose functions are attributes; the interpreter's lock stays held."""

        def __init__(self, name, use_errno=True):
            self._handle = dlopen(name, 0)

        def __getattr__(self, name):
            function = Function((name, self))  # AttributeError where it has no such name
            setattr(self, name, function)
            return function

    pythonapi = PyDLL(None)

__all__ = [
    "PyDLL", "addressof", "c_uint", "c_uint32", "c_uint64", "c_ulong", "create_string_buffer",
    "get_errno", "pythonapi", "sizeof",
]  # fmt: skip
