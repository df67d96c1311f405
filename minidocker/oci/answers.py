"""Answers: one function a verb: (root, options, words) → exit status."""

from __future__ import annotations

import os
import sys

from minidocker.errors import MinidockerError, NotFound, UsageError
from minidocker.oci.asked import VARIABLE
from minidocker.oci.container import Container, everything
from minidocker.oci.options import HELP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Said = dict[str, Any]


def one(root: str, words: list[str], most: int = 1) -> Container:
    """Return the container that is named; no word too many."""
    if not 1 <= len(words) <= most:
        raise UsageError("exactly one container ID is wanted here", HELP)
    return Container(root, words[0])


def named(root: str, said: Said, words: list[str], most: int = 1) -> list[Container]:
    """Return the container that is named; with --regex, every one that the pattern fits."""
    if not said.get("regex"):
        return [one(root, words, most)]
    import re

    if not 1 <= len(words) <= most:
        raise UsageError("exactly one pattern is wanted here", HELP)
    try:
        pattern = re.compile(words[0])
    except re.error as problem:
        raise UsageError(f"invalid regular expression {words[0]!r}: {problem}", HELP) from None
    return [container for container in everything(root) if pattern.search(container.id)]


def number(said: Said, key: str) -> int:
    """Read an option that is a number; 0 if it is not there."""
    text = str(said.get(key, "0"))
    if not text.isascii() or not text.isdecimal():
        raise UsageError(f"--{key} {text!r} is no number", HELP)
    return int(text)


def making(said: Said) -> Any:
    """Read what `create` and `run` have in common."""
    from minidocker.oci.making import Wish

    pid_file = str(said.get("pid-file", ""))
    wish = Wish(
        console=os.path.abspath(str(said["console-socket"])) if said.get("console-socket") else "",
        keep=number(said, "preserve-fds"), no_pivot=bool(said.get("no-pivot")),
        pid_file=os.path.abspath(pid_file) if pid_file else "",
    )  # fmt: skip
    if "config" in said:
        wish.config = os.path.abspath(str(said["config"]))
        if said["config"] == "config.json":  # where that is, the bundle says
            wish.config = ""
    wish.no_cgroup = bool(said.get("no-cgroup"))
    wish.keyring = not said.get("no-new-keyring")
    wish.pidfd = os.path.abspath(str(said["pidfd-socket"])) if "pidfd-socket" in said else ""
    return wish


def create(root: str, said: Said, words: list[str]) -> None:
    """Make a container; its command waits."""
    from minidocker.kernel.linux import Linux
    from minidocker.oci import making as maker

    maker.create(Linux(), one(root, words), str(said.get("bundle", ".")), making(said))


def start(root: str, said: Said, words: list[str]) -> None:
    """Let the command go."""
    from minidocker.oci import lifetime

    lifetime.start(one(root, words))


def run(root: str, said: Said, words: list[str]) -> int:
    """Create, start; wait for the end and remove it, unless it is to stay."""
    from minidocker.kernel.linux import Linux
    from minidocker.oci import foreground

    return foreground.run(
        Linux(), one(root, words), str(said.get("bundle", ".")), making(said),
        bool(said.get("detach")), bool(said.get("keep")),
    )  # fmt: skip


def state(root: str, said: Said, words: list[str]) -> None:
    """Print what a container is now."""
    import json

    container = one(root, words)
    record = container.load()
    if VARIABLE in os.environ:
        from minidocker.oci.mine import compare

        compare(container, record)
    print(json.dumps(container.state(record), indent=2))


def kill(root: str, said: Said, words: list[str]) -> None:
    """Send a signal."""
    from minidocker.kernel.linux import Linux
    from minidocker.oci import lifetime

    signal = signal_number(words[1] if len(words) > 1 else "SIGTERM")
    for container in named(root, said, words, 2):
        lifetime.kill(Linux(), container, signal, bool(said.get("all")))


def signal_number(text: str) -> int:
    """Read "KILL", "SIGKILL", "kill" or "9". signal(7)"""
    import signal

    if text.isascii() and text.isdecimal():
        if 0 <= int(text) <= 64:
            return int(text)
    else:
        name = text.upper()
        found = getattr(signal, name if name.startswith("SIG") else f"SIG{name}", None)
        if isinstance(found, signal.Signals):
            return int(found)
    raise UsageError(f"unknown signal {text!r}", "such as KILL, SIGTERM or 15")


def delete(root: str, said: Said, words: list[str]) -> None:
    """Remove a container."""
    from minidocker.kernel.linux import Linux
    from minidocker.oci import lifetime

    for container in named(root, said, words):
        lifetime.delete(Linux(), container, bool(said.get("force")))


def list_all(root: str, said: Said, words: list[str]) -> None:
    """Print the containers of this root."""
    import json

    rows = []
    for container in everything(root):
        try:
            row = container.state(container.load())
        except MinidockerError:
            continue  # it has just been removed
        rows.append({**row, "owner": user_name(row["owner"])})
    if said.get("quiet"):
        print("".join(f"{row['id']}\n" for row in rows), end="")
    elif said.get("format", "table") == "json":
        print(json.dumps(rows or None, separators=(",", ":")))
    elif said.get("format", "table") != "table":
        raise UsageError(f"--format {said['format']} is neither table nor json", HELP)
    else:
        print(table(rows, ("id", "pid", "status", "bundle", "created", "owner")))


def user_name(uid: str) -> str:
    """Return the host's name of a user; the number where it has none."""
    import pwd

    try:
        return pwd.getpwuid(int(uid)).pw_name
    except (KeyError, ValueError):
        return uid


def table(rows: list[Said], titles: tuple[str, ...]) -> str:
    """Put rows under titles, each column as wide as its widest word and three blanks."""
    words = [[title.upper() for title in titles]]
    words += [[str(row[title]) for title in titles] for row in rows]
    wide = [max(9, *(len(line[place]) for line in words)) + 3 for place in range(len(titles))]
    return "\n".join(
        "".join(f"{word:<{width}}" for word, width in zip(line, wide, strict=True)).rstrip()
        for line in words
    )


def example(root: str, said: Said, words: list[str]) -> None:
    """Write an example of a config.json."""
    import json

    from minidocker.oci import example as examples

    path = f"{said.get('bundle', '.')}/config.json"
    config = examples.example(bool(said.get("rootless")))
    if VARIABLE in os.environ and not said.get("rootless"):  # theirs knows no maps
        from minidocker.oci import mine

        config = mine.example(config)
    try:
        with open(path, "x", encoding="utf-8") as stream:
            json.dump(config, stream, indent=2)
            stream.write("\n")
    except FileExistsError:
        raise UsageError(f"{path} is there already", "another --bundle, or remove it") from None


def features(root: str, said: Said, words: list[str]) -> None:
    """Print what this runtime does."""
    import json

    from minidocker.oci.example import features as found

    json.dump(found(), sys.stdout, indent=2)
    print()


def execute(root: str, said: Said, words: list[str]) -> int:
    """Start one more process in a container; 255 when it cannot be."""
    from minidocker.kernel.linux import Linux
    from minidocker.oci import executing

    container = Container(root, words[0]) if words else one(root, words)
    pid_file = str(said.get("pid-file", ""))
    return executing.run(Linux(), container, said, words[1:], number(said, "preserve-fds"),
                         os.path.abspath(pid_file) if pid_file else "")  # fmt: skip


def pause(root: str, said: Said, words: list[str]) -> None:
    """Stop every process of a container."""
    from minidocker.kernel.linux import Linux
    from minidocker.oci import living

    living.freeze(Linux(), one(root, words), True)


def resume(root: str, said: Said, words: list[str]) -> None:
    """Let them go on."""
    from minidocker.kernel.linux import Linux
    from minidocker.oci import living

    living.freeze(Linux(), one(root, words), False)


def ps(root: str, said: Said, words: list[str]) -> None:
    """Print a container's processes, as the host numbers them."""
    from minidocker.oci.processes import processes

    print(processes(one(root, words[:1]), str(said.get("format", "table")), words[1:]))


def update(root: str, said: Said, words: list[str]) -> None:
    """Set other limits."""
    from minidocker.kernel.linux import Linux
    from minidocker.oci import updating

    updating.update(Linux(), one(root, words), said)


def events(root: str, said: Said, words: list[str]) -> None:
    """Print what a container uses: once, or until it ends."""
    from minidocker.oci import living

    container = one(root, words)
    seconds = living.seconds(str(said.get("interval", "5s")))
    killed = living.killed_for_memory(container)
    while True:
        print(living.event(container), flush=True)
        if said.get("stats"):
            return
        try:
            lasts = living.lasts(container, seconds)
            before, killed = killed, living.killed_for_memory(container)
        except NotFound:
            return  # it was deleted meanwhile
        if killed > before:
            print(living.to_line("oom", container), flush=True)
        if not lasts:
            return


ANSWERS = {
    "create": create, "start": start, "run": run, "state": state, "kill": kill, "delete": delete,
    "list": list_all, "exec": execute, "ps": ps, "pause": pause, "resume": resume,
    "update": update, "events": events, "spec": example, "features": features,
}  # fmt: skip
