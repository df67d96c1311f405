"""A root file system to import: a tar of this machine's own files."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

TOPS = ("usr/lib/python3", "usr/share", "usr/lib", "usr/bin", "usr/sbin", "usr/include")
LARGEST = 4 << 20  # a root file system is many small files: larger ones are left out


def pack(tar: str, size: int) -> int:
    """Write a tar of about `size` bytes of this machine's own files; return how many files."""
    names: list[str] = []
    for path, length in own_files():
        if size < 0:
            break
        names.append(path.lstrip("/"))
        size -= length
    listing = "\0".join(names).encode("utf-8", "surrogateescape")
    argv = ["tar", "--null", "--verbatim-files-from", "-C", "/", "-cf", tar, "-T", "-"]
    subprocess.run(argv, input=listing, check=True)
    return len(names)


def own_files() -> Iterator[tuple[str, int]]:
    """Yield paths and sizes of this machine's files, links included, each path once."""
    seen: set[str] = set()
    for top in (*TOPS, sys.prefix.lstrip("/")):
        for folder, folders, files in os.walk("/" + top):
            folders.sort()
            for path in (os.path.join(folder, name) for name in sorted(files)):
                status = os.lstat(path)
                if path not in seen and status.st_size <= LARGEST:
                    seen.add(path)
                    yield path, status.st_size
