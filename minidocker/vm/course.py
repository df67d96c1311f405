"""The course's files: which they are, as an archive, and as one number for each version."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

from minidocker.vm.places import COURSE

# What a tool or a learner made, and nothing in the machine needs.
SKIPPED = {
    ".git", ".venv", ".vagrant", ".minidocker", "__pycache__", ".pytest_cache",
    ".hypothesis", ".mypy_cache", ".ruff_cache", ".ipynb_checkpoints",
}  # fmt: skip
SKIPPED_AT_THE_TOP = {"build"}  # minidocker/build is a room of the package
LEARNERS = ("exercises", "notebooks")  # the learner writes here


def files(root: Path = COURSE) -> Iterator[str]:
    """Yield the paths of the course's files, sorted, relative to the course."""
    for directory, below, names in os.walk(root):
        skipped = SKIPPED | SKIPPED_AT_THE_TOP if Path(directory) == Path(root) else SKIPPED
        below[:] = sorted(n for n in below if n not in skipped and not n.endswith(".egg-info"))
        for name in sorted(names):
            if not name.endswith((".pyc", ".box")):
                yield os.path.relpath(os.path.join(directory, name), root)


def digest(root: Path = COURSE) -> str:
    """Return a hash of every file's path, mode and content: 64 hexadecimal digits."""
    total = hashlib.sha256()
    for name in files(root):
        path = root / name
        content = os.readlink(path).encode() if path.is_symlink() else path.read_bytes()
        head = f"{name}\0{path.lstat().st_mode & 0o111}\0{len(content)}\0"
        total.update(head.encode("utf-8", "surrogateescape") + content)
    return total.hexdigest()


def archive(root: Path = COURSE) -> bytes:
    """Return the files as an uncompressed tar archive, owned by root."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name in files(root):
            tar.add(root / name, name, recursive=False, filter=_roots)
    return out.getvalue()


def _roots(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o755 if member.mode & 0o111 else 0o644
    return member
