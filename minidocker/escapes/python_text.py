"""The text of an attack in Python, with what it needs before it."""

from __future__ import annotations

import os
import re

from minidocker.seccomp import calls

# `python -m minidocker`, and no lookup of site-packages; the package's folder is the first word.
LAUNCH = ("import sys; sys.path.insert(0, sys.argv.pop(1)); from minidocker.cli import main; "
          "sys.exit(main(sys.argv[1:]))")  # fmt: skip

# Before an attack in Python: call("bpf", …) is syscall(2) with the number of this machine.
PRELUDE = """\
import ctypes, os, sys, time
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *args):
    result = libc.syscall(NUMBERS[name], *args)
    if result == -1:
        sys.exit(f"{name}: {os.strerror(ctypes.get_errno())}")
    return result
"""


def python_text(text: str) -> str:
    """Put the prelude before an attack in Python, with the numbers of the calls that it names."""
    table = calls.numbers()[calls.machine(os.uname().machine)]
    names = sorted(set(re.findall(r'call\("(\w+)"', text)))
    return f"NUMBERS = { ({name: table[name] for name in names})!r}\n{PRELUDE}{text}"
