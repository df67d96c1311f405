"""Keep the learner's files the same here and in the machine, both ways, and lose none.

What changed on one side goes to the other. What changed on both stays here, and the machine's
version is laid beside it under another name. What is removed in the machine is kept in
.minidocker/kept. So work is never overwritten by work.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from minidocker.errors import MinidockerError
from minidocker.vm import sync_far

FOLDERS = ["exercises", "notebooks", ".minidocker"]
KEPT = ".minidocker/kept"


class Far:
    """The machine's files, through an agent that runs there for as long as this object lives."""

    def __init__(self, start: Sequence[str]) -> None:
        """`start` is a command line that runs the agent, such as ssh with python3 -c."""
        self._process = subprocess.Popen(
            list(start), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, start_new_session=True,
        )  # fmt: skip

    def scan(self) -> dict[str, str]:
        """Return {path: sha256}; a path that leads out of the folders is not believed."""
        found = self._ask(do="scan", folders=FOLDERS)
        if not isinstance(found, dict) or not all(map(inside, found)):
            raise MinidockerError(
                "the machine names files outside the learner's folders; nothing was carried",
                "minidocker vm restore",
            )
        return found

    def get(self, path: str) -> bytes:
        """Return a file's content."""
        return base64.b64decode(str(self._ask(do="get", path=path)))

    def put(self, path: str, content: bytes) -> None:
        """Write a file."""
        self._ask(do="put", path=path, content=base64.b64encode(content).decode())

    def remove(self, path: str) -> None:
        """Remove a file."""
        self._ask(do="remove", path=path)

    def close(self) -> None:
        """End the agent."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
        except OSError:
            pass
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _ask(self, **request: object) -> object:
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except OSError:
            line = ""
        if not line:
            raise MinidockerError("the connection to the machine is gone", "minidocker vm status")
        reply = json.loads(line)
        if "error" in reply:
            raise MinidockerError(f"in the machine: {reply['error']}")
        return reply["ok"]


def inside(path: object) -> bool:
    """Say whether a path lies in the learner's folders, by its own words alone."""
    parts = path.split("/") if isinstance(path, str) else [""]
    return parts[0] in FOLDERS and len(parts) > 1 and not {"", ".", ".."} & set(parts)


def program(root: str) -> str:
    """Return the agent as a program for `python3 -c`."""
    return Path(sync_far.__file__).read_text() + f"\n\nserve({root!r})\n"


class Sync:
    """One pair of directories; `memory` is the file that holds what both sides had last."""

    def __init__(
        self, root: Path, far: Far, memory: Path, tell: Callable[[str], None] = print
    ) -> None:
        self.root, self.far, self.memory, self.tell = root, far, memory, tell
        try:
            self.base: dict[str, str] = json.loads(memory.read_text())
        except (OSError, ValueError):
            self.base = {}

    def begin(self) -> None:
        """Take what the machine has as old: it is new, or went back in time, and ours counts."""
        self.base = self.far.scan()
        self.memory.unlink(missing_ok=True)

    def once(self) -> int:
        """Bring both sides together; return how many files were carried."""
        here = sync_far.scan(str(self.root), FOLDERS)
        there = self.far.scan()
        carried = 0
        for path in sorted(here.keys() | there.keys() | self.base.keys()):
            mine, theirs = here.get(path), there.get(path)
            if mine != theirs:
                self._settle(path, mine, theirs)
                carried += 1
            self._remember(path)
        if carried or not self.memory.exists():
            part = self.memory.with_suffix(".part")
            part.write_text(json.dumps(self.base))
            part.replace(self.memory)
        return carried

    def _settle(self, path: str, mine: str | None, theirs: str | None) -> None:
        """Carry one file, in the direction that loses nothing."""
        last = self.base.get(path)
        if theirs == last:
            self._push(path, mine)
        elif mine == last or mine is None:
            self._pull(path, mine, theirs)
        elif theirs is None:
            self._push(path, mine)  # changed here, removed there: the change counts
        else:
            self._both(path)

    def _push(self, path: str, mine: str | None) -> None:
        if mine is None:
            self.far.remove(path)
        else:
            self.far.put(path, sync_far.get(str(self.root), path))

    def _pull(self, path: str, mine: str | None, theirs: str | None) -> None:
        if theirs is not None:
            sync_far.put(str(self.root), path, self.far.get(path))
            return
        kept = f"{KEPT}/{path}"
        sync_far.put(str(self.root), kept, sync_far.get(str(self.root), path))
        sync_far.remove(str(self.root), path)
        self.tell(f"{path} was removed in the machine; it is kept in {kept}")

    def _both(self, path: str) -> None:
        """Both changed: ours stays, theirs is laid beside it; a record has the lines of both."""
        content = self.far.get(path)
        mine = sync_far.get(str(self.root), path)
        if path.endswith(".jsonl"):
            lines = mine.splitlines(keepends=True)
            seen = set(lines)
            lines += [line for line in content.splitlines(keepends=True) if line not in seen]
            sync_far.put(str(self.root), path, b"".join(lines))
            self.far.put(path, b"".join(lines))
            return
        stem, ending = os.path.splitext(path)
        beside = f"{stem}.from-vm{ending}"
        number = 1
        while (self.root / beside).exists() and sync_far.get(str(self.root), beside) != content:
            number += 1
            beside = f"{stem}.from-vm-{number}{ending}"
        sync_far.put(str(self.root), beside, content)
        self.far.put(path, mine)
        self.tell(f"{path} changed here and in the machine; the machine's is now {beside}")

    def _remember(self, path: str) -> None:
        """Note what both sides have now."""
        found = self.root / path
        if found.is_file():
            self.base[path] = sync_far.hash_of(str(found))
        else:
            self.base.pop(path, None)

    def watch(self, seconds: float = 1.0) -> None:
        """Bring both sides together again and again, until the machine is gone."""
        while True:
            self.once()
            time.sleep(seconds)
