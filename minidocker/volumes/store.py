"""Volumes on disk: directories of the store that outlive the containers that use them.

    ROOT/volumes/lock                taken for every change
    ROOT/volumes/NAME/_data          the files, as the containers see them
    ROOT/volumes/NAME/volume.json    when it was made, its labels, whether it got its name from us
    ROOT/volumes/NAME/lock           held while it is filled for the first time

A volume is in use while a container's record names it, also the record of one that has ended.
"""

from __future__ import annotations

import os
import time
from errno import EEXIST

from minidocker.errors import Conflict, KernelError, NotFound
from minidocker.places import at_once
from minidocker.spec.lean_json import to_json
from minidocker.spec.read_json import loads

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from minidocker.kernel.interface import Kernel


class Volumes:
    """The volumes of one store."""

    def __init__(self, kernel: Kernel, root: str) -> None:
        self.kernel = kernel
        self.root = f"{root}/volumes"
        self.containers = f"{root}/containers"

    def lock(self) -> int:
        """Wait for the lock over all volumes; os.close gives it back."""
        self._directory(self.root)
        return self.kernel.lock(f"{self.root}/lock")

    def _directory(self, path: str, mode: int = 0o700) -> bool:
        """Make a directory; say whether it was new."""
        try:
            self.kernel.mkdir(path, mode)
            return True
        except KernelError as problem:
            if problem.errno != EEXIST:
                raise
            return False

    def data(self, name: str) -> str:
        """Return where the files of a volume are."""
        return f"{self.root}/{name}/_data"

    def make(
        self, name: str, labels: dict[str, str] | None = None, anonymous: bool = False
    ) -> bool:
        """Make a volume, unless there is one of this name; say whether it is new."""
        new = self._directory(f"{self.root}/{name}")
        if new:
            about = {"created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                     "labels": labels or {}, "anonymous": anonymous}  # fmt: skip
            self.kernel.write(f"{self.root}/{name}/volume.json", to_json(about) + "\n")
        self._directory(self.data(name), 0o755)  # after a kill in between it may be missing
        return new

    def names(self) -> list[str]:
        """List the volumes."""
        return sorted(filter(self.has, self._entries()))

    def _entries(self) -> list[str]:
        return os.listdir(self.root) if os.path.isdir(self.root) else []

    def has(self, name: str) -> bool:
        """Say whether there is a volume of this name; one that begins with a dot is about to go."""
        good = name and "/" not in name and not name.startswith(".")
        return bool(good) and os.path.isdir(self.data(name))

    def about(self, name: str) -> dict[str, Any]:
        """Return what its volume.json says; NotFound for a name that no volume has."""
        if not self.has(name):
            raise NotFound(
                f"there is no volume {name}", "minidocker volume ls",
                docker=f"get {name}: no such volume",
            )  # fmt: skip
        try:
            file = f"{self.root}/{name}/volume.json"
            with open(file, encoding="utf-8", opener=at_once) as stream:
                return dict(loads(stream.read()))
        except (OSError, ValueError, TypeError, RecursionError):
            return {"created": "", "labels": {}, "anonymous": False}

    def users(self) -> dict[str, list[str]]:
        """Return volume → the ids of the containers that name it."""
        found: dict[str, list[str]] = {}
        for id in os.listdir(self.containers) if os.path.isdir(self.containers) else ():
            record = f"{self.containers}/{id}/record.json"
            try:
                with open(record, encoding="utf-8", opener=at_once) as stream:
                    mounts = loads(stream.read())["spec"]["mounts"]
            except (OSError, ValueError, KeyError, TypeError, RecursionError):
                continue
            for mount in mounts if isinstance(mounts, list) else ():
                if isinstance(mount, dict) and isinstance(mount.get("volume"), str):
                    found.setdefault(mount["volume"], []).append(id)
        return found

    def remove(self, name: str) -> None:
        """Remove a volume that nobody uses; the lock is held."""
        self.about(name)
        if users := self.users().get(name):
            raise Conflict(
                f"the volume {name} is in use by container {', '.join(users)}",
                f"minidocker rm {users[0]}",
                docker=f"remove {name}: volume is in use - [{', '.join(users)}]",
            )
        self._discard(name)

    def _discard(self, name: str) -> None:
        """Remove a volume: from the first moment there is none, so a kill leaves no half of it."""
        away = f".{os.urandom(8).hex()}"
        os.rename(f"{self.root}/{name}", f"{self.root}/{away}")
        self.kernel.remove_tree(f"{self.root}/{away}")

    def sweep(self) -> list[str]:
        """Remove what killed commands have left of volumes; say what. The lock is held."""
        said = []
        for name in self._entries():
            path = f"{self.root}/{name}"
            if name.startswith(".") or (os.path.isdir(path) and not os.path.isdir(self.data(name))):
                self.kernel.remove_tree(path)
                said.append(f"removed what was left of a volume ({name})")
        return said

    def remove_own(self, names: Sequence[str], id: str) -> None:
        """Remove the anonymous volumes of a container that goes, but for those that others use."""
        lock = self.lock()
        try:
            users = self.users()
            for name in names:
                if not set(users.get(name, ())) - {id} and self.has(name):
                    self._discard(name)
        finally:
            os.close(lock)

    def unused(self, everything: bool) -> list[str]:
        """List the volumes that nobody uses: the anonymous ones, or with `everything` all."""
        users = self.users()
        return [
            name for name in self.names()
            if name not in users and (everything or self.about(name).get("anonymous"))
        ]  # fmt: skip
