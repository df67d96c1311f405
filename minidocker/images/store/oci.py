"""Images as the Open Container Initiative writes them: a configuration and a manifest, in JSON.

The configuration says what to start and which layers lie on one another, by the digests of their
plain tars ("diff ids"); its own digest is the image's id, so equal images have equal ids. See
config.md and manifest.md of the OCI image specification.
"""

from __future__ import annotations

import json
import os
import platform
import re
import time
from collections.abc import Sequence
from typing import Any

from minidocker.errors import UsageError
from minidocker.images.store import files

CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"  # "+gzip" or "+zstd" follows where packed
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
EPOCH = "1970-01-01T00:00:00Z"  # "when" of what must come out the same each time

# The names of the Go language, which the specification asks for.
ARCHITECTURES = {
    "x86_64": "amd64", "aarch64": "arm64", "i686": "386", "armv7l": "arm", "x86-64": "amd64",
    "i386": "386", "armhf": "arm", "armel": "arm",
}  # fmt: skip
VARIANTS = {"armhf": "v7", "armel": "v6"}  # as Debian calls these processors

Json = dict[str, Any]


def here() -> Json:
    """Return this machine's platform: {"os": "linux", "architecture": "amd64"}."""
    machine = platform.machine()
    return {"os": "linux", "architecture": ARCHITECTURES.get(machine, machine)}


def read_platform(text: str) -> Json:
    """Read OS/ARCHITECTURE[/VARIANT], or one part of it; this machine's platform for ""."""
    parts = text.lower().split("/") if text else []
    if len(parts) > 3 or not all(re.fullmatch(r"[a-z0-9_-]+", part) for part in parts):
        raise UsageError(f"--platform {text!r} is not OS/ARCHITECTURE", "--platform linux/arm64")
    if len(parts) == 1 and parts != ["linux"]:
        parts = ["linux", *parts]
    words = dict(zip(("os", "architecture", "variant"), parts, strict=False))
    if name := words.get("architecture"):
        words["architecture"] = ARCHITECTURES.get(name, name)
        if name in VARIANTS:
            words.setdefault("variant", VARIANTS[name])
    if "variant" in words and words["variant"].isdecimal():
        words["variant"] = "v" + words["variant"]
    return {**here(), **words}


def platform_text(platform: Json) -> str:
    """Write a platform as people do: linux/arm64/v8."""
    parts = [platform.get(key) for key in ("os", "architecture", "variant")]
    return "/".join(files.printable(str(part)[:20]) for part in parts if part)


def configuration(settings: Json, diff_ids: list[str], history: list[Json], created: str) -> Json:
    """Return an OCI image configuration; `settings` has Env, Cmd and so on, `diff_ids` are hex."""
    return {
        **here(),
        "created": created,
        "config": {key: value for key, value in settings.items() if value},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + h for h in diff_ids]},
        "history": history,
    }


def descriptor(media_type: str, hex: str, size: int) -> Json:
    """Return the three words by which documents name a blob."""
    return {"mediaType": media_type, "digest": "sha256:" + hex, "size": size}


def layer_type(packing: str) -> str:
    """Return the media type of a layer: packing is "", "gzip" or "zstd"."""
    return LAYER_TYPE + ("+" + packing if packing else "")


def manifest(config: Json, layers: list[Json]) -> Json:
    """Return an OCI manifest of these descriptors; the layers are bottom first."""
    return {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": config,
        "layers": layers,
    }


def now() -> str:
    """Return the time in UTC as RFC 3339 writes it."""
    return time_text(int(time.time()))


def time_text(seconds: int) -> str:
    """Return a time since the epoch as RFC 3339 writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def change(settings: Json, line: str) -> None:
    """Apply one --change to the settings, in the words of a Dockerfile: "CMD bash", "ENV A=1".

    KEY=VALUE does as well as KEY VALUE. UsageError for what cannot be set this way.
    """
    key, value = _split(line)
    if "\0" in value or "\\u0000" in value:
        raise UsageError(f"--change {key} holds a NUL character", HELP)
    if key in ("CMD", "ENTRYPOINT"):
        settings[key.capitalize()] = _command(key, value)
    elif key == "ENV":
        name, _, text = _pair(key, value)
        rest = [e for e in settings.get("Env") or [] if e.partition("=")[0] != name]
        settings["Env"] = [*rest, f"{name}={text}"]
    elif key == "LABEL":
        name, _, text = _pair(key, value)
        _add(settings, "Labels", {name: text})
    elif key == "WORKDIR":
        if not value.startswith("/"):
            raise UsageError(f"WORKDIR {value!r} does not begin with /", HELP)
        settings["WorkingDir"] = os.path.normpath(value)
    elif key in ("USER", "STOPSIGNAL"):
        settings[{"USER": "User", "STOPSIGNAL": "StopSignal"}[key]] = value
    elif key == "EXPOSE":
        ports = [word if "/" in word else f"{word}/tcp" for word in value.split()]
        _add(settings, "ExposedPorts", {port: {} for port in ports})
    elif key == "VOLUME":
        paths = _list(key, value) if value.startswith("[") else value.split()
        _add(settings, "Volumes", {path: {} for path in paths})
    else:
        raise UsageError(f"--change {line!r} begins with no word that can be changed", HELP)


def names(lines: Sequence[str], key: str) -> bool:
    """Say whether one of these changes is of this key."""
    return any(_split(line)[0] == key for line in lines)


HELP = "CMD, ENTRYPOINT, ENV, WORKDIR, USER, LABEL, EXPOSE, VOLUME or STOPSIGNAL: -c 'CMD bash'"


def _add(settings: Json, field: str, more: Json) -> None:
    """Add to a table; Docker writes null for one with nothing in it."""
    settings[field] = {**(settings.get(field) or {}), **more}


def _split(line: str) -> tuple[str, str]:
    end = min((line.index(c) for c in " =" if c in line), default=len(line))
    return line[:end].strip().upper(), line[end + 1 :].strip()


def _pair(key: str, value: str) -> tuple[str, str, str]:
    name, sign, text = value.partition("=")
    if not sign:
        name, sign, text = value.partition(" ")
    if not sign or not name or " " in name:
        raise UsageError(f"--change {key} {value!r} is not NAME=VALUE", f"-c '{key} NAME=VALUE'")
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1]
    return name, sign, text


def _command(key: str, value: str) -> list[str]:
    """A JSON list is the command itself; other text is for the shell, as in a Dockerfile."""
    if not value.startswith("["):
        return ["/bin/sh", "-c", value] if value else []
    return _list(key, value)


def _list(key: str, value: str) -> list[str]:
    """Read a JSON list of texts."""
    try:
        words = json.loads(value)
    except ValueError:
        words = None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        example = f'-c \'{key} ["/bin/sh", "-l"]\''
        raise UsageError(f"--change {key} {value} is not a JSON list of strings", example)
    return words
