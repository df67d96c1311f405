"""Plan: from the options of `run` to a Spec and the stages that will build it."""

from __future__ import annotations

import os

from minidocker.errors import NotFound, UsageError
from minidocker.plan.options import read
from minidocker.spec.spec import DEFAULT_PATH, blank
from minidocker.stages import STAGES, choose

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from typing import Any

    from minidocker.images.store.image import Image
    from minidocker.images.store.store import Store
    from minidocker.spec.spec import Spec
    from minidocker.spec.words import Asked
    from minidocker.stages.base import Stage


def plan(
    options: dict[str, Any], words: list[str], store: Store, touch: bool = True
) -> tuple[Spec, list[type[Stage]]]:
    """Turn options and the words after them into (Spec, chosen stages, learners' parts in place).

    Each stage reads its own options into the Spec; the command, its variables and the image are
    read here. `touch` False (a dry run) looks at no file: paths and images are taken as given.
    """
    chosen = choose(options.get("stages", ""))
    asked = read(options, store.root, touch)
    refuse_left_out(chosen, asked)
    spec = blank()
    spec.id = os.urandom(6).hex()
    spec.name, spec.remove = asked.get("name", ""), "rm" in asked
    spec.stages = [stage.name for stage in chosen]
    words = list(words)
    _command(spec, asked, words, _image(spec, asked, words, store))
    for stage in STAGES:
        stage.plan(spec, asked)
    chosen = [stage for stage in chosen if stage.wanted(spec)]
    spec.stages = [stage.name for stage in chosen]
    if "mine" in asked or "stage" in asked:
        from minidocker.plan.learner import adopted

        chosen = adopted(chosen, asked)
    return spec, chosen


def refuse_left_out(chosen: list[type[Stage]], asked: Asked) -> None:
    """Refuse what asks for a stage that --stages leaves out: it would be promised and not done."""
    for stage in STAGES:
        if stage not in chosen and (what := stage.wish(asked)):
            raise UsageError(
                f"{what} needs the stage {stage.name}, and --stages leaves it out",
                f"add {stage.name} to --stages",
            )


def _image(spec: Spec, asked: Asked, words: list[str], store: Store) -> Image | None:
    """Take the image's name off the words and its layers into the Spec, where one is the root."""
    if "rootfs" not in spec.stages or "rootfs" in asked or "layer" in asked:
        return None
    if "layers" not in spec.stages:
        raise UsageError(
            "an image is made of layers, and --stages leaves the stage layers out",
            "--stages ..layers   or   --rootfs DIR",
        )
    if not words or not words[0]:
        raise UsageError("run needs an IMAGE", "minidocker run base   (minidocker image ls)")
    spec.image = words.pop(0)
    if not asked.touch:
        spec.root.layers = [f"{store.root}/layers/{spec.image}"]
        return None
    image = store.resolve(spec.image)
    spec.root.layers = image.layers
    return image


def _command(spec: Spec, asked: Asked, words: list[str], image: Image | None) -> None:
    """Put the command together as Docker does: entrypoint, then the words or the image's Cmd."""
    rootfs, process = "rootfs" in spec.stages, spec.process
    config = image.config if image else {}
    entrypoint = list(config.get("Entrypoint") or [])
    command = words or list(config.get("Cmd") or [])
    if "entrypoint" in asked:
        entrypoint = [asked["entrypoint"]] if asked["entrypoint"] else []
        command = words
    process.args = entrypoint + command or ["/bin/sh"]
    cwd = asked.get("workdir") or config.get("WorkingDir") or ("/" if rootfs else os.getcwd())
    if not cwd.startswith("/"):
        raise UsageError(f"-w {cwd} is not an absolute path", f"-w /{cwd}")
    process.cwd = cwd
    process.user = config.get("User") or ""
    process.terminal, process.interactive = "tty" in asked, "interactive" in asked
    env = [] if rootfs else [f"{k}={v}" for k, v in os.environ.items()]
    process.env = _env(env, config.get("Env") or [], asked)
    if process.terminal:
        process.env.insert(0, f"TERM={os.environ.get('TERM', 'xterm')}")


def _env(base: list[str], image: list[str], asked: Asked) -> list[str]:
    """Merge variables: ours, the image's, --env-file, -e. The last one of a name wins."""
    given: list[str] = []
    for file in asked.get("env-file", []):
        try:
            with open(file, encoding="utf-8", errors="surrogateescape", newline="") as stream:
                text = stream.read()
        except OSError as problem:
            raise NotFound(
                f"--env-file {file}: {problem.strerror}", "give a readable file"
            ) from None
        kept = [line.removesuffix("\r").lstrip() for line in text.split("\n")]
        given += [line for line in kept if line and line[0] != "#"]
    given += asked.get("env", [])
    merged = {"PATH": DEFAULT_PATH}
    for item in [*base, *image, *given]:
        name, equals, value = item.partition("=")
        if not name:
            raise UsageError(f"-e {item!r} has no name", "-e NAME=VALUE")
        if equals:
            merged[name] = value
        elif name in os.environ:
            merged[name] = os.environ[name]
        else:
            merged.pop(name, None)
    return [f"{name}={value}" for name, value in merged.items()]
