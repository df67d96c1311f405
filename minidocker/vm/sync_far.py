"""The far end of sync: reads and writes the learner's files in the machine, asked line by line.

Its text is sent to the machine's Python, so it is one file that imports nothing of ours.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sys
from typing import Any

SKIPPED = (".ipynb_checkpoints", "__pycache__", "kept")
known: dict[str, tuple[tuple[int, int, int], str]] = {}


def scan(root: str, folders: list[str]) -> dict[str, str]:
    """Return {path: sha256} of the folders' regular files; unchanged ones are not read again."""
    found = {}
    for folder in folders:
        for directory, below, names in os.walk(os.path.join(root, folder)):
            below[:] = [name for name in below if name not in SKIPPED]
            for name in names:
                path = os.path.join(directory, name)
                # A name that begins with ".~" or ends with "~" is an editor's own.
                if os.path.islink(path) or name.startswith(".~") or name.endswith(("~", ".pyc")):
                    continue
                try:
                    found[os.path.relpath(path, root)] = hash_of(path)
                except OSError:
                    continue  # removed meanwhile: seen next time
    return found


def hash_of(path: str) -> str:
    """Return the sha256 of a file, from memory while the file's marks are the same."""
    facts = os.stat(path)
    mark = (facts.st_mtime_ns, facts.st_size, facts.st_ino)
    if path not in known or known[path][0] != mark:
        with open(path, "rb") as file:
            known[path] = (mark, hashlib.sha256(file.read()).hexdigest())
    return known[path][1]


def get(root: str, path: str) -> bytes:
    """Return a file's content."""
    with open(os.path.join(root, path), "rb") as file:
        return file.read()


def put(root: str, path: str, content: bytes) -> None:
    """Write a file whole or not at all; it and new folders get the owner of the folder above."""
    target = os.path.join(root, path)
    above = os.path.dirname(target)
    missing = []
    while not os.path.isdir(above):
        missing.append(above)
        above = os.path.dirname(above)
    owner = os.stat(above)
    for directory in reversed(missing):
        os.mkdir(directory)
        own(directory, owner)
    part = f"{target}.part~"
    with open(part, "wb") as file:
        file.write(content)
    if os.path.exists(target):
        os.chmod(part, os.stat(target).st_mode & 0o777)
        owner = os.stat(target)
    own(part, owner)
    os.replace(part, target)


def own(path: str, owner: os.stat_result) -> None:
    """Give a path to an owner; only root can, and only root needs to."""
    if os.geteuid() == 0:
        os.chown(path, owner.st_uid, owner.st_gid)


def remove(root: str, path: str) -> None:
    """Remove a file."""
    os.unlink(os.path.join(root, path))


def answer(root: str, request: dict[str, Any]) -> object:
    """Do what a request asks for and return what to answer."""
    what, path = request["do"], request.get("path", "")
    if what == "scan":
        return scan(root, request["folders"])
    if what == "get":
        return base64.b64encode(get(root, path)).decode()
    if what == "put":
        put(root, path, base64.b64decode(request["content"]))
    else:
        remove(root, path)
    return None


def serve(root: str) -> None:
    """Answer requests, one JSON line each, until standard input ends."""
    for line in sys.stdin:
        try:
            reply: dict[str, object] = {"ok": answer(root, json.loads(line))}
        except (OSError, ValueError, KeyError) as problem:
            reply = {"error": f"{type(problem).__name__}: {problem}"}
        print(json.dumps(reply), flush=True)
