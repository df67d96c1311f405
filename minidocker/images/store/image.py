"""An image as a run needs it: its layers, and a few settings; read from its lean file."""

from __future__ import annotations

from minidocker.kernel.named import os

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from typing import Any

LISTS = ("Env", "Cmd", "Entrypoint")  # of the configuration: these are lists of strings,
STRINGS = ("WorkingDir", "User")  # these are strings,
SETS = ("Volumes", "ExposedPorts")  # and of these the keys count
WATCHED = ("Healthcheck", "Shell")  # these are JSON, where there is a health to look at
HEX = "0123456789abcdef"


class Image:
    """What a container starts from: `layers` are absolute directories, bottom first.

    `config` has Env, Cmd and Entrypoint (lists), WorkingDir and User (strings), and StopSignal,
    Volumes, ExposedPorts and Labels where there are any, as in the OCI image specification, and the
    JSON texts of Healthcheck and Shell;
    `id` is "sha256:" and the digest of the whole configuration.
    """

    __slots__ = ("config", "id", "layers", "name")

    def __init__(self, id: str, name: str, layers: list[str], config: dict[str, Any]) -> None:
        self.id = id
        self.name = name
        self.layers = layers
        self.config = config

    def __repr__(self) -> str:
        return f"Image({self.name!r}, {self.id[:19]!r}, {len(self.layers)} layers)"


def with_tag(name: str) -> str:
    """Add the tag if there is none: "debian" → "debian:latest", "h:5000/x" → "h:5000/x:latest"."""
    return name if ":" in name[name.rfind("/") + 1 :] else name + ":latest"


def as_file(full: str) -> str:
    """Return the file name under images/names: "%" is in no name, so the way back is sure."""
    return full.replace("/", "%")


def parse_lean(text: str, name: str, layers: str) -> Image:
    """Read what `lean.lean` wrote; `layers` is the directory of all layers."""
    image = Image("", name, [], {key: [] for key in LISTS} | dict.fromkeys(STRINGS, ""))
    for pair in text.split("\0")[:-1]:
        key, _, value = pair.partition("=")
        if key == "layer":
            image.layers.append(f"{layers}/{value}/fs")
        elif key in LISTS:
            image.config[key].append(value)
        elif key in (*STRINGS, "StopSignal", *WATCHED):
            image.config[key] = value
        elif key in SETS:
            image.config.setdefault(key, {})[value] = {}
        elif key == "Labels":
            name, _, text = value.partition("=")
            image.config.setdefault("Labels", {})[name] = text
        else:
            image.id = value
    return image


def read(path: str) -> str:
    """Read a whole small file; other bytes than UTF-8 survive as surrogates."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        data = os.read(fd, 65536)
        while len(data) % 65536 == 0 and (more := os.read(fd, 65536)):
            data += more
    finally:
        os.close(fd)
    return data.decode("utf-8", "surrogateescape")
