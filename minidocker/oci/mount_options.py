"""Mount options: the words of mount(8) that config.json uses, as flags of the kernel.

runtime-spec, config.md, "Linux mount options"
"""

from __future__ import annotations

from minidocker.errors import UsageError
from minidocker.kernel import flags as f
from minidocker.spec.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from minidocker.oci.config import Part

# word → (flag of mount(2), whether the word sets it or takes it away)
FLAGS = {
    "ro": (f.MS_RDONLY, True), "rw": (f.MS_RDONLY, False),
    "nosuid": (f.MS_NOSUID, True), "suid": (f.MS_NOSUID, False),
    "nodev": (f.MS_NODEV, True), "dev": (f.MS_NODEV, False),
    "noexec": (f.MS_NOEXEC, True), "exec": (f.MS_NOEXEC, False),
    "nosymfollow": (f.MS_NOSYMFOLLOW, True), "symfollow": (f.MS_NOSYMFOLLOW, False),
    "noatime": (f.MS_NOATIME, True), "atime": (f.MS_NOATIME, False),
    "nodiratime": (f.MS_NODIRATIME, True), "diratime": (f.MS_NODIRATIME, False),
    "relatime": (f.MS_RELATIME, True), "norelatime": (f.MS_RELATIME, False),
    "strictatime": (f.MS_STRICTATIME, True), "nostrictatime": (f.MS_STRICTATIME, False),
    "sync": (f.MS_SYNCHRONOUS, True), "async": (f.MS_SYNCHRONOUS, False),
    "dirsync": (f.MS_DIRSYNC, True), "lazytime": (f.MS_LAZYTIME, True),
    "nolazytime": (f.MS_LAZYTIME, False), "mand": (f.MS_MANDLOCK, True),
    "nomand": (f.MS_MANDLOCK, False), "silent": (f.MS_SILENT, True), "loud": (f.MS_SILENT, False),
    "iversion": (f.MS_I_VERSION, True), "noiversion": (f.MS_I_VERSION, False),
}  # fmt: skip
PROPAGATION = {
    "private": f.MS_PRIVATE, "slave": f.MS_SLAVE, "shared": f.MS_SHARED,
    "unbindable": f.MS_UNBINDABLE,
}  # fmt: skip
# What mount_setattr(2) may change at a bind: each has its own bit there.
ATTRIBUTES = {
    f.MS_RDONLY: f.MOUNT_ATTR_RDONLY, f.MS_NOSUID: f.MOUNT_ATTR_NOSUID,
    f.MS_NODEV: f.MOUNT_ATTR_NODEV, f.MS_NOEXEC: f.MOUNT_ATTR_NOEXEC,
    f.MS_NOSYMFOLLOW: f.MOUNT_ATTR_NOSYMFOLLOW, f.MS_NODIRATIME: f.MOUNT_ATTR_NODIRATIME,
    f.MS_NOATIME: f.MOUNT_ATTR_NOATIME, f.MS_STRICTATIME: f.MOUNT_ATTR_STRICTATIME,
    f.MS_RELATIME: 0,
}  # fmt: skip
TIMES = f.MS_NOATIME | f.MS_STRICTATIME | f.MS_RELATIME


class Change(Record):
    """What mount_setattr(2) is to do: bits to set and to clear, propagation; below, too?"""

    __slots__ = ("clear", "propagation", "recursive", "set")
    set: int
    clear: int
    propagation: int
    recursive: bool


class Attach(Record):
    """One mount of the bundle: `flags` and `data` for mount(2), `changes` for mount_setattr(2).

    `whole`: with what is mounted below the source (rbind). `copy_up`: a tmpfs that begins with
    what the image has there. `ids`: "idmap", "ridmap" (below it, too) or ""; `maps`: their lines.
    """

    __slots__ = (
        "bind", "changes", "copy_up", "data", "destination", "flags", "ids", "maps", "propagation",
        "source", "type", "whole",
    )  # fmt: skip
    destination: str
    source: str
    type: str
    bind: bool
    whole: bool
    flags: int
    data: str
    changes: list[Change]
    propagation: int
    copy_up: bool
    ids: str
    maps: tuple[str, str]


def read(part: Part, bundle: str) -> Attach:
    """Read one entry of `mounts`; a bind's source may be relative to the bundle."""
    options = part.texts("options")
    maps = map_lines(part, "uidMappings"), map_lines(part, "gidMappings")
    if bool(maps[0]) != bool(maps[1]):
        raise UsageError(f"config.json: {part.where} needs uidMappings and gidMappings, or neither")
    kind, source = part.text("type"), part.text("source")
    bind = kind == "bind" or "bind" in options or "rbind" in options
    if bind and not source.startswith("/"):
        source = f"{bundle}/{source}"
    destination = part.must("destination")
    found = Attach(
        destination=destination if destination.startswith("/") else f"/{destination}",
        source=source or kind, type=kind, bind=bind, whole="rbind" in options, flags=0, data="",
        changes=[], propagation=0, copy_up="tmpcopyup" in options, maps=maps,
        ids=next((word for word in ("ridmap", "idmap") if word in options or maps[0]), ""),
    )  # fmt: skip
    if maps[0] and "ridmap" not in options:
        found.ids = "idmap"
    if found.ids and not bind:
        raise UsageError(f"config.json: {destination}: ids are mapped at a bind alone")
    if found.copy_up and kind != "tmpfs":
        raise UsageError(f"config.json: tmpcopyup at {destination} is for a tmpfs alone")
    read_words(found, options)
    return found


def below_root(mounts: list[Attach], root: str) -> None:
    """Take the root's own path away from destinations that begin with it, as runc does."""
    for one in mounts:
        if f"{one.destination}/".startswith(f"{root}/"):
            one.destination = one.destination[len(root) :] or "/"


def map_lines(part: Part, key: str) -> str:
    """Read id maps as the kernel wants them: a line each. user_namespaces(7)"""
    return "".join(
        f"{one.id('containerID')} {one.id('hostID')} {one.id('size')}\n"
        for one in part.parts(key)
    )


def read_words(found: Attach, options: list[str]) -> None:
    """Sort the words: flags, recursive attributes, propagation; what is left is the data."""
    data, own = [], Change(set=0, clear=0, propagation=0, recursive=False)
    below = Change(set=0, clear=0, propagation=0, recursive=True)
    spread = []
    for word in options:
        plain = word.removeprefix("r")
        if word in FLAGS:
            flag, on = FLAGS[word]
            found.flags = found.flags | flag if on else found.flags & ~flag
            change(own, flag, on)
        elif word in PROPAGATION or plain in PROPAGATION:
            spread.append(Change(set=0, clear=0, propagation=PROPAGATION[plain],
                                 recursive=word != plain))  # fmt: skip
            found.propagation = PROPAGATION[plain] | (f.MS_REC if word != plain else 0)
        elif plain in FLAGS and FLAGS[plain][0] in ATTRIBUTES:
            change(below, *FLAGS[plain])
        elif word not in ("bind", "rbind", "tmpcopyup", "defaults", "idmap", "ridmap"):
            data.append(word)
    if found.bind and data:
        raise UsageError(
            f"config.json: {found.destination}: bind mounts cannot have any filesystem-specific "
            f"options applied, and {data[0]} is one",
            "the options of mount(8) that a mount has, not its file system",
        )
    found.data = ",".join(data)
    wanted = [one for one in (own, below) if one.set or one.clear]
    found.changes = [*wanted, *spread] if found.bind else [one for one in wanted if one.recursive]


def change(into: Change, flag: int, on: bool) -> None:
    """Note one word as attributes; the last word on the same thing counts."""
    if flag not in ATTRIBUTES:
        return  # of a file system: a bind passes it over, as mount(8) does
    bits = ATTRIBUTES[flag]
    if flag & TIMES:  # one field of three values
        into.set = into.set & ~f.MOUNT_ATTR__ATIME | (bits if on else 0)
        into.clear |= f.MOUNT_ATTR__ATIME
    elif on:
        into.set, into.clear = into.set | bits, into.clear & ~bits
    else:
        into.set, into.clear = into.set & ~bits, into.clear | bits
