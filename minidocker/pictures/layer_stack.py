"""layer_stack: the layers below a merged tree, and which of them provides a file."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass

from minidocker.pictures.picture import Picture
from minidocker.pictures.svg import Canvas, wrap
from minidocker.proc import mounts, processes
from minidocker.proc.mount_kinds import overlay_parts

WINS, MERGES, HIDDEN, WHITEOUT, OPAQUE, ABSENT, CUT = (
    "wins", "merges", "hidden", "whiteout", "opaque", "absent", "in the way",
)  # fmt: skip
# state: (shape, accent)
SHAPES = {
    WINS: ("circle", "green"),
    MERGES: ("diamond", "green"),
    OPAQUE: ("triangle", "orange"),
    WHITEOUT: ("cross", "orange"),
    CUT: ("cross", "orange"),
    HIDDEN: ("ring", "grey"),
    ABSENT: ("", "grey"),
}
WIDTH, ROW, LEFT = 800.0, 50.0, 20.0
KINDS = {
    stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "link", stat.S_IFCHR: "device",
    stat.S_IFBLK: "device", stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """What one layer holds of a path: `state` is one of the words above, `seen` says it whole."""

    layer: str
    state: str
    seen: str


def find(layers: Sequence[str], path: str) -> list[Finding]:
    """Return what each layer holds of a path, top first; `layers` are bottom first, upper last.

    It looks as overlayfs does: from the top down, until a whiteout, an opaque directory or a
    file ends the view. Symbolic links on the way are not followed. The kernel's
    Documentation/filesystems/overlayfs
    """
    parts = [part for part in path.split("/") if part]
    found: list[Finding] = []
    closed = ""  # what ended the view, in words
    provided = False
    for layer in reversed(layers):
        state, seen, closes, kind = _look(layer, parts)
        if closed and state in (WINS, OPAQUE):
            state, seen = HIDDEN, f"{kind}, hidden: {closed}"
        elif closed and state != ABSENT:
            state, seen = HIDDEN, f"hidden: {closed}"
        elif provided and state == WINS:
            if kind == "directory":
                state, seen = MERGES, "directory: its names are added"
            else:
                # The kernel looks no further down either.
                state, seen = HIDDEN, f"{kind}, hidden: above it is a directory"
        elif provided and state == OPAQUE:
            seen = "opaque directory: its names are added, and nothing from below"
        provided = provided or state in (WINS, OPAQUE)
        found.append(Finding(layer, state, seen))
        if closes and not closed:
            closed = f"{closes} above it"
    return found


def layer_stack(
    layers: Sequence[str], path: str = "/", names: Sequence[str] = (), title: str = "",
    pid: processes.Pid | None = None,
) -> Picture:  # fmt: skip
    """Draw the layers of a merged tree, top first, and which of them provides `path`.

    `layers` are directories, bottom first; the upper is the last. `names` are words for them, in
    the same order. `pid`: a process that sees the tree as its root; then a mount that hides what
    the layers hold is told. LookupError: there is no layer, or no such process.
    """
    if not layers:
        raise LookupError("no layers were given")
    if names and len(names) != len(layers):
        raise ValueError(f"{len(layers)} layers and {len(names)} names: give one for each")
    words = list(reversed(names or _names(layers)))
    found = find(layers, path)
    head = title or f"Which layer provides {path}?"
    canvas = Canvas()
    canvas.fitted(LEFT, 30, head, WIDTH - 40, "bold", 15)
    told = verdict(path, found, words)
    if pid is not None and mounted_over(pid, path):
        told += " But a mount covers it, and a process sees that."
    _merged(canvas, told)
    for index, item in enumerate(found):
        _layer(canvas, 112 + ROW * index, words[index], item)
    rows = [
        (word, item.state, item.seen, item.layer) for word, item in zip(words, found, strict=True)
    ]
    columns = ("layer, top first", "state", f"what it holds of {path}", "directory")
    height = 112 + ROW * len(found) + 12
    return Picture(head, told, columns, rows, canvas, (WIDTH, height))


def layers_of(pid: processes.Pid, root: processes.Root = "/proc", point: str = "/") -> list[str]:
    """Return the layers of a process's overlay at a mount point, bottom first, the upper last.

    LookupError: no such process, or what it has there is no overlay.
    """
    mount = mounts.covering(mounts.mounts(pid, root), point)
    if mount.fstype != "overlay":
        raise LookupError(f"{point} of process {pid} is {mount.fstype}, no overlay")
    lower, upper, _ = overlay_parts(mount.super_options)
    return [*reversed(lower), *([upper] if upper else [])]


def mounted_over(pid: processes.Pid, path: str, root: processes.Root = "/proc") -> bool:
    """Say whether a mount hides what the root of a process holds at an absolute path."""
    table = mounts.mounts(pid, root)
    return mounts.covering(table, path).id != mounts.covering(table, "/").id


def verdict(path: str, found: Sequence[Finding], names: Sequence[str]) -> str:
    """Say in a sentence what the merged tree shows, and why."""
    states = [item.state for item in found]
    if WINS in states or OPAQUE in states:
        first = next(at for at, state in enumerate(states) if state in (WINS, OPAQUE))
        others = [
            names[at] for at, state in enumerate(states) if at > first and state in (MERGES, OPAQUE)
        ]
        hidden = states.count(HIDDEN)
        told = f"{path} comes from {names[first]}"
        told += f", merged with {', '.join(others)}" if others else ""
        told += f"; {hidden} layer{'s' * (hidden != 1)} below {'have' if hidden > 1 else 'has'}"
        return told + " it too, unseen." if hidden else told.rpartition(";")[0] + "."
    for word in (WHITEOUT, CUT):
        if word in states:
            at = states.index(word)
            return f"{path} is not in the merged tree: {found[at].seen} in {names[at]}."
    if HIDDEN in states:
        at = states.index(HIDDEN)
        above = found[at].seen.partition("hidden: ")[2]
        return f"{path} is not in the merged tree: {names[at]} has it, with {above}."
    return f"{path} is in no layer."


def _look(layer: str, parts: Sequence[str]) -> tuple[str, str, str, str]:
    """Return (state, in words, what ends the view below, kind) of a path in one layer alone."""
    here, closes, opaque = layer, "", False
    if not os.path.isdir(layer):
        raise LookupError(f"the layer {layer} is no directory")
    for index, part in enumerate(parts):
        here = f"{here}/{part}"
        name = "/" + "/".join(parts[: index + 1])
        try:
            found = os.lstat(here)
        except (FileNotFoundError, NotADirectoryError):
            return ABSENT, f"nothing, but {closes}" if closes else "nothing", closes, ""
        if _is_whiteout(here, found):
            return WHITEOUT, f"whiteout of {name}", f"whiteout of {name}", ""
        if stat.S_ISDIR(found.st_mode):
            opaque = _is_opaque(here)
            closes = f"opaque {name}" if opaque else closes
        elif index < len(parts) - 1:
            seen = f"{_kind(found)} {name} stands in the way"
            return CUT, seen, seen, ""
        else:
            size = f", {found.st_size} bytes" if stat.S_ISREG(found.st_mode) else ""
            return WINS, f"{_kind(found)}{size}", f"{_kind(found)}", _kind(found)
    if opaque:
        return OPAQUE, "opaque directory: nothing from below", closes, "directory"
    return WINS, "directory", closes, "directory"


def _is_whiteout(path: str, found: os.stat_result) -> bool:
    """Whether a name means "deleted": a character device 0:0, or since Linux 6.7 a marked file."""
    if stat.S_ISCHR(found.st_mode):
        return found.st_rdev == 0
    return (
        stat.S_ISREG(found.st_mode)
        and found.st_size == 0
        and _attribute(path, "overlay.whiteout") is not None
    )


def _is_opaque(path: str) -> bool:
    return _attribute(path, "overlay.opaque") == b"y"


def _attribute(path: str, name: str) -> bytes | None:
    """Return trusted.NAME, which root alone can read, or user.NAME; None where there is neither."""
    for space in ("trusted", "user"):
        try:
            return os.getxattr(path, f"{space}.{name}", follow_symlinks=False)
        except OSError as problem:
            if problem.errno not in (errno.ENODATA, errno.EOPNOTSUPP, errno.EPERM):
                raise
    return None


def _kind(found: os.stat_result) -> str:
    return KINDS.get(stat.S_IFMT(found.st_mode), "something else")


def _names(layers: Sequence[str]) -> list[str]:
    """Name the layers: "upper" for one that is called so, numbers for the others."""
    names = []
    for number, layer in enumerate(layers, 1):
        last = os.path.basename(layer.rstrip("/"))
        names.append(last if last in ("upper", "init", "diff") else f"layer {number}")
    return names


def _merged(canvas: Canvas, told: str) -> None:
    canvas.box(LEFT, 46, WIDTH - 40, 44, "blue", strong=True)
    canvas.text(LEFT + 14, 64, "merged", "bold", 13)
    canvas.text(LEFT + 14, 81, "what the mount shows", "soft", 11)
    lines = wrap(told, WIDTH - 225, 12.5)
    for index, line in enumerate(lines):
        canvas.text(LEFT + 170, 73 - 8 * (len(lines) - 1) + 16 * index, line, "", 12.5)


def _layer(canvas: Canvas, y: float, name: str, item: Finding) -> None:
    shape, accent = SHAPES[item.state]
    here = item.state in (WINS, MERGES, OPAQUE)
    canvas.box(LEFT, y, WIDTH - 40, ROW - 8, accent if item.state != ABSENT else "",
               strong=here, dashed=item.state == HIDDEN, tint=0.14 if here else 0.05)  # fmt: skip
    canvas.fitted(LEFT + 14, y + 18, name, 140, "mono bold", 13)
    # The end of a path tells more than its beginning.
    canvas.fitted(LEFT + 14, y + 34, "…" + item.layer[-20:] if len(item.layer) > 22 else item.layer,
                  150, "mono soft", 10)  # fmt: skip
    if shape:
        canvas.shape(shape, LEFT + 184, y + (ROW - 8) / 2, accent, 6.5)
    canvas.text(LEFT + 202, y + 26, item.state, "bold" if here else "", 13)
    canvas.fitted(LEFT + 300, y + 26, item.seen, WIDTH - LEFT - 350, "", 12.5)
    if here:
        canvas.line([(WIDTH - 34, y), (WIDTH - 34, 96)], "green", "")
        canvas.shape("triangle", WIDTH - 34, 98, "green", 5)
