"""--mount type=…,source=…,target=…: the long way to say -v and --tmpfs, with keys."""

from __future__ import annotations

import os

from minidocker.errors import UsageError
from minidocker.kernel.flags import MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_RDONLY
from minidocker.spec.spec import Mount
from minidocker.spec.words import fields, is_root, parse_size
from minidocker.volumes.words import (
    NO_NAME,
    PROPAGATION,
    SHARED,
    look_at_source,
    source_of,
    volume_name,
)

OPTION = "--mount"
SAME = {"src": "source", "dst": "target", "destination": "target", "ro": "readonly"}
KEYS = {
    "": ("type", "source", "target", "readonly", "consistency"),
    "bind": ("bind-propagation", "bind-nonrecursive", "bind-recursive", "bind-create-src"),
    "volume": ("volume-nocopy", "volume-label", "volume-driver", "volume-opt", "volume-subpath"),
    "tmpfs": ("tmpfs-size", "tmpfs-mode"),
}
SWITCHES = ("readonly", "bind-nonrecursive", "volume-nocopy", "bind-create-src")
TRUE, FALSE = ("1", "t", "T", "TRUE", "true", "True"), ("0", "f", "F", "FALSE", "false", "False")
TYPES = {
    "image": "an image is not mounted beside another one here: --layer stacks directories",
    "npipe": "a pipe of Windows",
    "cluster": "a volume of Docker's Swarm",
}
REFUSED = {
    "volume-opt": "volumes are plain directories of the store",
    "volume-subpath": "a volume is mounted as a whole",
}


def parse_mount(text: str, touch: bool) -> Mount:
    """Read --mount; `touch` False looks at no file."""
    found, labels = read(text)
    kind = str(found.get("type", "volume")).lower()
    if kind in TYPES:
        raise UsageError(f"{OPTION} type={kind} is refused: {TYPES[kind]}", "type=volume or bind")
    if kind not in ("bind", "volume", "tmpfs"):
        raise refuse(
            text, f"mount type unknown: {kind!r}", "type=bind, volume or tmpfs", kind
        )
    for key in found:
        owner = next(one for one, keys in KEYS.items() if key in keys)
        if owner not in ("", kind):
            words = f"cannot mix '{owner}-*' options with mount type '{kind}'"
            raise refuse(text, words, f"type={owner}")
        if key in REFUSED and found[key] not in (False, ""):
            raise UsageError(f"{OPTION} {key} is refused: {REFUSED[key]}", "leave it out")
    target = str(found.get("target", ""))
    if not target:
        raise refuse(text, "target is required", "target=/data")
    if not target.startswith("/"):
        words = f"invalid mount path: '{target}' mount path must be absolute"
        raise refuse(text, words, f"target=/{target}", kind)
    if is_root(target):
        raise refuse(
            text, f"invalid specification: destination can't be '{target}'", "target=/data", kind
        )
    made = {"bind": bind, "volume": volume, "tmpfs": tmpfs}[kind](text, found, touch)
    made.destination, made.labels = target, labels
    made.readonly = bool(found.get("readonly"))
    return made


def read(text: str) -> tuple[dict[str, str | bool], dict[str, str]]:
    """Return ({key: value}, labels); a key that is none raises UsageError."""
    found: dict[str, str | bool] = {}
    labels: dict[str, str] = {}
    known = [key for keys in KEYS.values() for key in keys]
    for word, value in fields(text, OPTION):
        key = SAME.get(word, word)
        if value is None and key not in SWITCHES:
            words = f"invalid field '{word}' must be a key=value pair"
            raise refuse(text, words, f"{word}=…" if word else "no comma too many")
        if key not in known:
            raise refuse(text, f"unexpected key '{word}' in '{word}={value}'", "type, source, …")
        if key in SWITCHES:
            if value not in (None, *TRUE, *FALSE):
                raise refuse(text, f"invalid value for {word}: {value}", f"{word}=true")
            found[key] = value not in FALSE
        elif not value:
            if key == "type":
                raise refuse(text, "type is required", "type=volume")
            if key.startswith("tmpfs"):
                raise refuse(text, f"invalid value for {word}: {value}", f"{word}=…")
            found.pop(key, None)  # an empty one says nothing
        elif key == "volume-label":
            name, _, note = value.partition("=")
            labels[name] = note
            found[key] = value
        else:
            found[key] = value
    return found, labels


def refuse(text: str, docker: str, remedy: str, kind: str = "") -> UsageError:
    """Say what is wrong, in words that are Docker's, too; with a `kind` those of its daemon."""
    who = f'invalid argument "{text}" for "{OPTION}" flag'
    if kind:
        who = f'invalid mount config for type "{kind}"'
    return UsageError(f"{OPTION} {text!r}: {docker}", remedy, docker=f"{who}: {docker}")


def bind(text: str, found: dict[str, str | bool], touch: bool) -> Mount:
    """Show a path of the host."""
    source = str(found.get("source", ""))
    if not source:
        raise refuse(text, "field Source must not be empty", "source=/srv", "bind")
    if not source.startswith(("/", ".", "~")):
        words = f"invalid mount path: '{source}' mount path must be absolute"
        raise refuse(text, words, f"source=./{source}", "bind")
    if found.get("bind-propagation", "rprivate") in SHARED:
        raise UsageError(f"{OPTION} bind-propagation is refused: {PROPAGATION}", "leave it out")
    if found.get("bind-propagation", "rprivate") not in ("private", "rprivate"):
        raise refuse(text, f"invalid propagation value: {found['bind-propagation']}", "rprivate")
    how = found.get("bind-recursive", "enabled")
    if how not in ("enabled", "disabled", "writable", "readonly"):
        words = f"invalid value for bind-recursive: {how} "
        words += '(must be "enabled", "disabled", "writable", or "readonly")'
        raise refuse(text, words, "bind-recursive=disabled")
    if how == "readonly" and not found.get("readonly"):
        words = (
            "option 'bind-recursive=readonly' requires 'readonly' to be specified in conjunction"
        )
        raise refuse(text, words, "readonly,bind-recursive=readonly")
    mount = source_of(source)
    look_at_source(mount, f"{OPTION} {text}", touch, make=bool(found.get("bind-create-src")))
    mount.flat = bool(found.get("bind-nonrecursive")) or how == "disabled"
    mount.shallow = how == "writable"
    return mount


def volume(text: str, found: dict[str, str | bool], _: bool) -> Mount:
    """Show a volume: a named one, or a new one."""
    if found.get("volume-driver", "local") != "local":
        raise UsageError(
            f"{OPTION} volume-driver={found['volume-driver']}: there is only the driver local",
            "leave it out",
        )
    name = str(found.get("source", ""))
    if name.startswith(("/", ".")):
        raise UsageError(f"{OPTION} {text!r}: {name} is a path, no volume's name", "type=bind",
                         docker=f'"{name}" {NO_NAME}')  # fmt: skip
    return Mount(type="bind", options="dir", fill=not found.get("volume-nocopy"),
                 volume=volume_name(name) if name else os.urandom(32).hex(),
                 anonymous=not name)  # fmt: skip


def tmpfs(text: str, found: dict[str, str | bool], _: bool) -> Mount:
    """Mount an empty file system in memory."""
    if "source" in found:
        raise refuse(text, "field Source must not be specified", "leave it out", "tmpfs")
    data = []
    if "tmpfs-size" in found:
        try:
            size = parse_size(str(found["tmpfs-size"]), OPTION)
        except UsageError:
            words = f"invalid value for tmpfs-size: {found['tmpfs-size']}"
            raise refuse(text, words, "tmpfs-size=64m") from None
        data.append(f"size={size}")
    if "tmpfs-mode" in found:
        mode = str(found["tmpfs-mode"])
        if mode.strip("01234567") or int(mode, 8) > 0o7777:
            raise refuse(text, f"invalid value for tmpfs-mode: {mode}", "tmpfs-mode=1777")
        data.append(f"mode={mode}")
    flags = MS_NOEXEC | MS_NOSUID | MS_NODEV | (MS_RDONLY if found.get("readonly") else 0)
    return Mount(source="tmpfs", type="tmpfs", options=",".join(data), flags=flags)
