"""A stage as far as it is built: its layers, its configuration, its history, the values of ARG."""

from __future__ import annotations

import copy
from typing import Any

from minidocker.build.wrong import BuildError
from minidocker.images.store import catalogue, oci
from minidocker.images.store.store import Store

# What a RUN can always have, declared or not; they leave no trace in the image.
PROXIES = tuple(
    name for word in ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
    for name in (word, word.lower())
)  # fmt: skip

COMMENT = "minidocker build"


class State:
    """What a step changes. `layers` are (diff id in hex, descriptor of its blob), bottom first.

    `config` is the section of that name in an image configuration; `created` is when the last step
    that did anything was done, so that a build out of the cache gives the same image again.
    """

    def __init__(self, platform: oci.Json) -> None:
        self.platform = platform
        self.config: oci.Json = {}
        self.layers: list[tuple[str, oci.Json]] = []
        self.history: list[oci.Json] = []
        self.created = ""
        self.author = ""
        self.args: dict[str, str] = {}
        self.has_cmd = False

    def env(self) -> dict[str, str]:
        """Return the variables of ENV."""
        return dict(item.partition("=")[::2] for item in self.config.get("Env") or [])

    def values(self) -> dict[str, str]:
        """Return what `$name` stands for: ENV wins over ARG."""
        return {**self.args, **self.env()}

    def set_env(self, pairs: dict[str, str]) -> None:
        """Set variables; a new one comes last."""
        self.config["Env"] = [f"{name}={value}" for name, value in {**self.env(), **pairs}.items()]

    def shell(self) -> list[str]:
        """Return what a command in shell form is given to."""
        return list(self.config.get("Shell") or ["/bin/sh", "-c"])

    def note(self, created_by: str, layer: tuple[str, oci.Json] | None, created: str) -> None:
        """Write a step into the history, with the layer that it made."""
        step: oci.Json = {"created": created, "created_by": created_by, "comment": COMMENT}
        if layer:
            self.layers.append(layer)
        else:
            step["empty_layer"] = True
        self.history.append(step)
        self.created = max(self.created, created)

    def as_json(self) -> dict[str, Any]:
        """Return all of it, for another process; the stage's own CMD counts in the stage alone."""
        return {key: value for key, value in vars(self).items() if key != "has_cmd"}

    def begin(self) -> State:
        """Return a stage that goes on from this one, with its ARGs, as Docker documents."""
        fresh = copy.deepcopy(self)
        fresh.has_cmd = False
        fresh.config.pop("OnBuild", None)  # the triggers have been pulled
        return fresh

    def document(self) -> oci.Json:
        """Return the image's configuration."""
        found = oci.configuration(
            self.config, [hex for hex, _ in self.layers], self.history, self.created or oci.EPOCH
        )
        return {**found, **self.platform, **({"author": self.author} if self.author else {})}


def from_json(found: dict[str, Any]) -> State:
    """Read what `as_json` gave."""
    state = State(found["platform"])
    vars(state).update(found)
    state.layers = [(hex, blob) for hex, blob in found["layers"]]
    return state


def from_image(store: Store, image: str, line: int) -> State:
    """Return the stage that begins with an image of the store, by its id in hex."""
    config = catalogue.config_of(store, image)
    layers = catalogue.layers_of(store, image)
    packed = list(catalogue.manifest_of(store, image).get("layers", []))
    if not config or len(layers) != len(packed):
        raise BuildError(line, f"the image {image[:12]} is damaged", "minidocker image check")
    keys = ("os", "architecture", "variant")
    state = State({key: config[key] for key in keys if config.get(key)})
    state.config = copy.deepcopy(config.get("config") or {})
    state.layers = list(zip(layers, packed, strict=True))
    state.history = copy.deepcopy(config.get("history") or [])
    state.created = str(config.get("created") or "")
    state.author = str(config.get("author") or "")
    return state
