"""What the scenes of lessons 04 and 12 share: trees, grown from short lists of operations.

The check has made up the lists, [word, path, …], and the real overlay of the cell's kernel is asked
to do them: so its upper directory is a real one.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Sequence
from typing import Any

HOSTS_OWN = ["0", "0", "4294967295"]  # the map of the first user namespace
OPTIONS = "redirect_dir=off,metacopy=off,index=off"
OPTIONS_IN_USER = "metacopy=off,index=off,userxattr"


def write(path: str, text: str) -> None:
    """Write a file, and the directories above it."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def do(root: str, operations: Sequence[Any]) -> None:
    """Do operations in a tree, one after the other."""
    for word, name, *args in operations:
        path = f"{root}/{name}"
        if word == "mkdir":
            os.makedirs(path)
        elif word == "write":
            write(path, args[0])
        elif word == "append":
            with open(path, "a") as file:
                file.write(args[0])
        elif word == "remove":
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
        elif word == "link":
            os.link(path, f"{root}/{args[0]}")
        elif word == "symlink":
            os.symlink(args[0], path)
        elif word == "chmod":
            os.chmod(path, args[0])
        elif word == "chown":
            os.chown(path, *args)
        elif word == "attribute":
            os.setxattr(path, args[0], args[1].encode())
        elif word == "node":
            os.mknod(path, 0o020644, os.makedev(*args))  # numbers that no driver has
        elif word == "mark":
            os.setxattr(path, args[0], args[1].encode())
        elif word == "socket":
            with socket.socket(socket.AF_UNIX) as one:
                one.bind(path)
        elif word == "fifo":
            os.mkfifo(path)
        elif word == "time":
            os.utime(path, (args[0], args[0]), follow_symlinks=False)


def overlay(kernel: Any, layers: Sequence[str], upper: str, work: str, merged: str) -> None:
    """Mount an overlay; layers bottom first, without ":" or "," in their names."""
    for path in (*layers, upper, work, merged):
        os.makedirs(path, exist_ok=True)
    lower = ":".join(reversed(layers))
    with open("/proc/self/uid_map", encoding="ascii") as file:
        options = OPTIONS if file.read().split() == HOSTS_OWN else OPTIONS_IN_USER
    data = f"lowerdir={lower},upperdir={upper},workdir={work},{options}"
    kernel.mount("overlay", merged, "overlay", 0, data)


def cast_upper(
    kernel: Any, talk: Any, place: str, base: Sequence[Any], operations: Sequence[Any]
) -> None:
    """Grow a layer, let the kernel do the operations over it, and let the check look."""
    do(f"{place}/base", base)
    kernel.run(["cp", "-a", f"{place}/base", f"{place}/flat"])
    overlay(kernel, [f"{place}/base"], f"{place}/upper", f"{place}/work", f"{place}/merged")
    for operation in operations:
        if operation[0] in ("node", "mark"):  # an overlay makes none, or keeps it: beneath it, then
            kernel.umount2(f"{place}/merged")
            do(f"{place}/upper", [operation])
            overlay(kernel, [f"{place}/base"], f"{place}/upper", f"{place}/work", f"{place}/merged")
        else:
            do(f"{place}/merged", [operation])
    talk.ask("cast")
    kernel.umount2(f"{place}/merged")
