"""Container: a directory under --root, and what it says of a process that nobody of ours watches.

    ROOT/ID/record.json   what was made and noted; written whole, by rename
    ROOT/ID/config.json   the bundle's, as it was at `create`
    ROOT/ID/lock          held by the verb at work; no process of ours outlives its verb
    ROOT/ID/go, said      named pipes: `start` opens the gate by the first, hears it by the second

The status is never written down: it is what the process, the pipe and the cgroup say now. So it
is right after anything of ours was killed.
"""

from __future__ import annotations

import os
from errno import ENOENT, ENXIO
from time import time

from minidocker.errors import Blocked, Conflict, MinidockerError, NotFound, UsageError
from minidocker.kernel.named import fcntl, open
from minidocker.oci.looks import is_frozen
from minidocker.proc.lean import began, in_user_namespace, stranger
from minidocker.spec.read_json import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from minidocker.oci.kinds import Bundle
    from minidocker.spec.spec import Run, Spec

LETTERS = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.")
KEPT = (".", "..", ".cache")  # the last one holds compiled filters
LONGEST = 255  # of a directory's name


def default_root() -> str:
    """Return where records are when --root is not given: they may go with a reboot."""
    own = os.environ.get("XDG_RUNTIME_DIR")
    if own and (os.geteuid() or (in_user_namespace() and os.environ.get("USER") != "root")):
        return f"{own}/minidocker-runtime"
    return "/run/minidocker-runtime"


def refuse_strangers(root: str) -> None:
    """Refuse a directory of records that another user can change: they say what is removed."""
    if why := stranger(root):
        raise Blocked(
            f"--root {root} {why}, and its records could make us do anything",
            "another --root, which is root's or your own and which nobody else may write to",
        )


class Container:
    """One container of a root directory, by its id."""

    def __init__(self, root: str, id: str) -> None:
        if not id or set(id) - LETTERS or id in KEPT or len(id) > LONGEST:
            strange = next((f": invalid character `{one}` in the ID" for one in id
                            if one not in LETTERS), "")  # fmt: skip
            raise UsageError(
                f"invalid container ID format {id!r}{strange}", "letters, digits and _ + - ."
            )
        self.id = id
        self.directory = f"{os.path.abspath(root)}/{id}"
        self.lock = -1

    def path(self, name: str) -> str:
        """Return the path of a file of this container."""
        return f"{self.directory}/{name}"

    def must_be_new(self) -> None:
        """Refuse an ID that somebody has; `claim` refuses it once more, when two come at once."""
        if os.path.isdir(self.directory):
            raise Conflict(
                f"container with given ID already exists: {self.id}",
                f"another ID, or: minidocker oci delete {self.id}",
            )

    def claim(self, bundle: Bundle, facts: dict[str, object]) -> Run:
        """Make the directory, whose name nobody else can have, and hold its lock."""
        os.makedirs(os.path.dirname(self.directory), 0o711, exist_ok=True)
        try:
            os.mkdir(self.directory, 0o711)
        except FileExistsError:
            self.must_be_new()
            raise
        self.lock = os.open(self.path("lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        for name in ("go", "said"):
            os.mkfifo(self.path(name), 0o600)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with open(os.open(self.path("config.json"), flags, 0o600), "w", encoding="utf-8") as stream:
            stream.write(bundle.text)  # for its owner alone: variables may hold passwords
        return self.run(bundle.spec, facts)

    def run(self, spec: Spec, facts: dict[str, object]) -> Run:
        """Return what the stages work with."""
        from minidocker.spec.spec import Run

        return Run(id=self.id, directory=self.directory, root=spec.root.path, spec=spec,
                   facts=facts)  # fmt: skip

    def hold(self) -> None:
        """Wait for the lock: one verb at a time changes a container."""
        try:
            self.lock = os.open(self.path("lock"), os.O_RDWR | os.O_CLOEXEC)
            fcntl.flock(self.lock, fcntl.LOCK_EX)
        except FileNotFoundError:
            raise self.unknown() from None
        if not os.fstat(self.lock).st_nlink:
            raise self.unknown()

    def release(self) -> None:
        """Let the next verb have it."""
        if self.lock >= 0:
            os.close(self.lock)
        self.lock = -1

    def unknown(self) -> NotFound:
        """Say that there is no such container, in the words that containerd reads."""
        return NotFound(f"container does not exist: {self.id}", "minidocker oci list")

    def load(self) -> dict[str, Any]:
        """Return the record; one that was never written whole has the id alone."""
        try:
            with open(self.path("record.json"), encoding="utf-8") as stream:
                return dict(loads(stream.read()))
        except FileNotFoundError:
            if not os.path.isdir(self.directory):
                raise self.unknown() from None
        except ValueError:
            pass
        return {"id": self.id, "facts": {}, "bundle": "", "made": "", "annotations": {},
                "hooks": [], "command": ""}  # fmt: skip

    def bundle(self, record: dict[str, Any]) -> Bundle:
        """Read the bundle as it was at `create`."""
        from minidocker.oci import bundle

        with open(self.path("config.json"), encoding="utf-8") as stream:
            return bundle.read(record["bundle"], self.id, stream.read())

    def save(self, run: Run, bundle: Bundle, status: str, pid: int) -> None:
        """Write the record."""
        from minidocker.runtime import state

        state.save(
            run, status, pid=pid, began=began(pid), bundle=bundle.directory, made=now(),
            annotations=bundle.annotations, oci=bundle.version, owner=os.geteuid(),
            hooks=[kind for kind, hooks in bundle.hooks.items() if hooks],
            command="" if bundle.idle else bundle.spec.process.args[0],
            shared=["pid"] if bundle.namespaces.get("pid") != "" else [],
        )  # fmt: skip

    def pid(self, record: dict[str, Any]) -> int:
        """Return the pid of PID 1 while it lives; 0 when its number is nobody's, or another's."""
        pid = record.get("pid") or 0
        return pid if pid and began(pid) == record.get("began") else 0

    def status(self, record: dict[str, Any]) -> str:
        """Say creating, created, running, paused or stopped."""
        making = record.get("status") in (None, "creating") and self.is_held()
        if not self.pid(record):
            return "creating" if making else "stopped"
        if making:
            return "creating"
        if is_frozen(record["facts"]):
            return "paused"
        return "created" if self.waits() else "running"

    def is_held(self) -> bool:
        """Say whether a verb is at work on this container."""
        if self.lock >= 0:
            return False  # it is this one, and knows what it does
        from minidocker.runtime import state

        return state.is_alive(self.directory)

    def waits(self) -> bool:
        """Say whether PID 1 is still in the gate: then somebody reads the pipe. fifo(7), ENXIO"""
        try:
            os.close(os.open(self.path("go"), os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC))
            return True
        except OSError as problem:
            if problem.errno not in (ENXIO, ENOENT):
                raise
            return False

    def state(self, record: dict[str, Any], status: str = "") -> dict[str, Any]:
        """Return the container's state as the specification has it, and `created` as runc has."""
        status = status or self.status(record)
        state = {
            "ociVersion": record.get("oci", "1.0.2"), "id": self.id,
            "pid": self.pid(record), "status": status, "bundle": record["bundle"],
            "rootfs": record.get("root", ""), "created": record["made"],
            "annotations": record["annotations"], "owner": str(record.get("owner", "")),
        }  # fmt: skip
        if not state["annotations"]:
            del state["annotations"]
        return state

    def must_be(self, record: dict[str, Any], *wanted: str) -> str:
        """Return the status; refuse one that the verb is not for."""
        status = self.status(record)
        if status not in wanted:
            raise Conflict(
                f"container not running: {self.id} is {status}", f"minidocker oci state {self.id}"
            )
        return status


def everything(root: str) -> Iterator[Container]:
    """Yield every container of a root directory; what has no lock is none, such as the cache."""
    for id in sorted(os.listdir(root)) if os.path.isdir(root) else []:
        if os.path.exists(f"{root}/{id}/lock") and not set(id) - LETTERS:
            yield Container(root, id)


def now() -> str:
    """Return this moment, as RFC 3339 writes it."""
    from time import gmtime

    moment = time()
    date = gmtime(moment)
    nanoseconds = int(moment % 1 * 1_000_000_000)
    return (
        f"{date.tm_year:04}-{date.tm_mon:02}-{date.tm_mday:02}T"
        f"{date.tm_hour:02}:{date.tm_min:02}:{date.tm_sec:02}.{nanoseconds:09}Z"
    )


def refuse(problem: MinidockerError) -> str:
    """Put an error into one line, with the words that callers look for."""
    words = problem.docker if problem.docker and problem.docker not in problem.message else ""
    return f"{problem.message}: {words}" if words else problem.message
