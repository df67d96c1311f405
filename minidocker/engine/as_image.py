"""A container's own settings, as an image's: what `commit` writes down. docker-commit(1)"""

from __future__ import annotations

from typing import Any

from minidocker.engine.described import config
from minidocker.engine.filters import spec_of
from minidocker.spec.spec import DEFAULT_PATH

Record = dict[str, Any]
KEPT = ("Shell", "ArgsEscaped")  # an image's words that no run can change


def settings(record: Record, image: Record) -> Record:
    """Return Cmd, Env and so on as the container was run with; `image` are its image's.

    What was said at the command line stands above what the image says, as in the container.
    """
    spec = spec_of(record)
    process, told = spec.get("process") or {}, config(spec, record)
    words, first = list(process.get("args") or []), process.get("entrypoint") or 0
    made = {key: image[key] for key in KEPT if key in image}
    made |= {
        "Env": variables(told["Env"], image.get("Env") or []), "Entrypoint": words[:first],
        "Cmd": words[first:], "WorkingDir": directory(process, image),
        "User": process.get("user") or "",
        "ExposedPorts": {**(image.get("ExposedPorts") or {}), **told["ExposedPorts"]},
        "Volumes": {**(image.get("Volumes") or {}), **nameless(spec)},
        "Labels": dict(spec.get("labels") or {}),
        "StopSignal": told["StopSignal"] if spec.get("stop_signal") else "",
        "Healthcheck": told.get("Healthcheck") or image.get("Healthcheck"),
    }  # fmt: skip
    return {key: value for key, value in made.items() if value}


def variables(env: list[str], of_image: list[str]) -> list[str]:
    """Return the variables, without the PATH that every container gets if nobody names one."""
    named = any(item.startswith("PATH=") for item in of_image)
    return [item for item in env if named or item != f"PATH={DEFAULT_PATH}"]


def directory(process: Record, image: Record) -> str:
    """Return the working directory; "" for the root, where it was not asked for."""
    where = str(process.get("cwd") or "")
    return "" if where == "/" and not image.get("WorkingDir") else where


def nameless(spec: Record) -> Record:
    """Return the places of `-v /data`: an image with them makes such a volume at each run."""
    mounts = spec.get("mounts") or ()
    return {
        str(mount["destination"]): {} for mount in mounts
        if len(mount.get("volume") or "") == 64 and mount.get("destination")
    }  # fmt: skip
