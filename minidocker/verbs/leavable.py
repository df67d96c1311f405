"""`run -it --detach-keys`: a terminal that can be left. So it runs alone, and we are attached.

What runs in the foreground has us between its terminal and the caller's: when we go, it ends.
"""

from __future__ import annotations

from minidocker.engine.keys import detach_keys
from minidocker.engine.log_file import LOG
from minidocker.engine.logs import Reader
from minidocker.errors import FlagError
from minidocker.runtime import reading
from minidocker.verbs.attach import attached


def keys_of(found: dict[str, object]) -> bytes:
    """Read the keys; with some, it shall run alone. None count without a terminal, as in Docker."""
    keys = detach_keys(str(found["detach-keys"]))
    if found.get("detach") or not (keys and found.get("tty") and found.get("interactive")):
        return b""
    if found.get("rm"):
        raise FlagError(
            "--detach-keys: what --rm removes at its end has no log, by which you would hear it",
            "without --rm, then: minidocker rm",
        )
    found["detach"] = True
    return keys


def join(root: str, id: str, keys: bytes) -> int:
    """Attach to what has just begun: all from its first word; its exit status, 0 by the keys."""
    record = reading.find(root, id)
    reader = Reader(record["directory"], f"{record['directory']}/{LOG}")
    return attached(record, reader, True, keys)
