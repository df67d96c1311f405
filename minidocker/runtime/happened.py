"""What happened, beside the records: events, and the name of a container that was renamed.

    ROOT/events                JSON lines, as Docker's /events gives them; the oldest first
    ROOT/events.1              the lines before these: together they are bounded
    ROOT/containers/ID/name    the name now, where it is not the one of the record

Whoever does a thing appends its line. A full disk loses lines, and holds nobody up. The record is
its owner's, who writes it again when the command ends: a name that another process put into it
would be lost.
"""

from __future__ import annotations

from time import time, time_ns

from minidocker.kernel.named import fcntl, os
from minidocker.spec.lean_json import to_json

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.spec.spec import Run

FILE, NAME = "events", "name"
LARGEST = 1 << 20  # bytes, before a new file begins
LONGEST = 1 << 14  # bytes of a line: an image's labels may be long, and are left out then
ACTIONS = {"created": "create", "running": "start", "exited": "die", "paused": "pause"}


def name_of(directory: str, first: str) -> str:
    """Return a container's name; `first` is what it was called when it was made."""
    try:
        fd = os.open(f"{directory}/{NAME}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return first  # there is none; where it cannot be read, nothing worse than an old name
    try:
        return str(os.read(fd, 4096).decode("utf-8", "surrogateescape")) or first
    except OSError:
        return first
    finally:
        os.close(fd)


def note_time(facts: dict[str, object], status: str) -> bool:
    """Note when the container became so, if it was not; the last of its times is of now."""
    times = facts.setdefault("times", {})
    assert isinstance(times, dict)
    new = [*times][-1:] != [status]
    if new:
        times.pop(status, None)
        times[status] = time()
    return new


def became(run: Run, status: str, code: object = None) -> None:
    """Tell that a container is in another state now; `code` is how its command ended."""
    if status in ACTIONS:
        more = {"exitCode": str(code)} if status == "exited" and code is not None else {}
        tell(run, ACTIONS[status], **more)


def tell(run: Run, action: str, **more: object) -> None:
    """Append what happened to a container: create, start, die, destroy, rename, …"""
    spec = run.spec
    facts = {"image": spec.image or "", "name": name_of(run.directory, spec.name or ""), **more}
    root = os.path.dirname(os.path.dirname(run.directory))
    line = line_of(run.id, action, {**(spec.labels or {}), **facts})
    append(root, line if len(line) <= LONGEST else line_of(run.id, action, facts))


def line_of(id: str, action: str, attributes: dict[str, object]) -> bytes:
    """Write one event of a container as Docker does."""
    older = {"status": action, "id": id, "from": attributes["image"]}
    return event("container", action, id, attributes, older)


def event(
    kind: str, action: str, id: str, attributes: dict[str, object], older: dict[str, object]
) -> bytes:
    """Write one event; `older` are keys that Docker keeps for old readers."""
    now = time_ns()
    return to_json({
        **older, "Type": kind, "Action": action, "Actor": {"ID": id, "Attributes": attributes},
        "scope": "local", "time": now // 10**9, "timeNano": now,
    }).encode() + b"\n"  # fmt: skip


def tell_of(kind: str, root: str, action: str, id: str, **attributes: object) -> None:
    """Append what happened to an image, a volume or a network of a store."""
    older: dict[str, object] = {"status": action, "id": id} if kind == "image" else {}
    line = event(kind, action, id, attributes, older)
    append(root, line if len(line) <= LONGEST else event(kind, action, id, {}, older))


def append(root: str, line: bytes) -> None:
    """Add a line, whole, whoever else adds one now; what cannot be written is lost."""
    path = f"{root}/{FILE}"
    try:
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return
    try:
        os.write(fd, line)
        if os.fstat(fd).st_size > LARGEST:
            turn_over(path, fd)
    except OSError:
        pass
    finally:
        os.close(fd)


def turn_over(path: str, fd: int) -> None:
    """Let a new file begin; of two who see that at once, one does it."""
    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    if os.fstat(fd).st_ino == os.stat(path).st_ino:
        os.rename(path, f"{path}.1")
