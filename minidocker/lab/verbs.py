"""The OCI runtime beside a notebook: each verb is a program that ends, as for an engine."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable


def runtime(root: str) -> Callable[..., str]:
    """Return a function that calls our runtime with its records in `root`; it returns what it says.

    oci("create", "--bundle", "…", "box"), oci("start", "box"): what create has made lives on. So
    its output goes to a file, since a pipe would stay open as long as the container has it.
    """

    def oci(*words: str) -> str:
        argv = [sys.executable, "-m", "minidocker", "oci", "--root", root, *words]
        descriptor, path = tempfile.mkstemp()
        try:
            with open(descriptor, "w") as said:
                subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                               start_new_session=True, check=False)  # fmt: skip
            with open(path, encoding="utf-8", errors="replace") as said:
                return said.read()
        finally:
            os.unlink(path)

    return oci
