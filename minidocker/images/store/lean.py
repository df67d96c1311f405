"""The lean file of an image is written: what a run reads of it, without JSON."""

from __future__ import annotations

import json
from typing import Any

from minidocker.images.store.image import LISTS, SETS, STRINGS, WATCHED


def lean(id: str, hexes: list[str], config: dict[str, Any]) -> str:
    """Write an image for the hot path: KEY=VALUE pairs, each ended by NUL, as in /proc/PID/environ.

    Neither an argument, a variable nor a path can hold a NUL, so nothing needs quoting. Lists
    repeat their key. Read it with: tr '\\0' '\\n' < lean
    """
    pairs = [("id", id)] + [("layer", h) for h in hexes]
    pairs += [(key, value) for key in LISTS for value in config.get(key) or []]
    pairs += [(key, config[key]) for key in (*STRINGS, "StopSignal") if config.get(key)]
    for key in (*SETS, "Labels"):
        found = config.get(key)
        for name, text in found.items() if isinstance(found, dict) else ():
            pairs.append((key, f"{name}={text}" if key == "Labels" else name))
    if config.get("Healthcheck"):
        pairs += [(key, json.dumps(config[key])) for key in WATCHED if config.get(key)]
    pairs = [(key, text) for key, text in pairs if "\0" not in text]
    return "".join(f"{key}={value}\0" for key, value in pairs)
