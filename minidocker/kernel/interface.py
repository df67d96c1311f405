"""Kernel: all that a stage, and a learner's function, may ask of the kernel.

`calls` has the system calls, each named as its man page is; `beside` has what is longer than a
call. `linux.Linux` does them; `trace.Traced` also tells each one; `trace.Pretend` does nothing and
says that all went well (`--dry-run`, unit tests). Every method raises `KernelError`, an OSError
with the call's name and the path, when the kernel refuses.
"""

from __future__ import annotations

from minidocker.kernel.beside import Beside
from minidocker.kernel.calls import Calls


class Kernel(Calls, Beside):
    """The calls and what stands beside them, with nothing behind them."""
