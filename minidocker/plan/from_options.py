"""Plan: from the options of `run` to a Spec and the stages that will build it."""

from __future__ import annotations

import os

from minidocker.errors import UsageError
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
    spec.detached, spec.restart = "detach" in asked, asked.get("restart")
    if spec.detached or spec.restart or "log-opt" in asked:
        from minidocker.plan.alone import note_alone

        note_alone(spec, asked)
    spec.stages = [stage.name for stage in chosen]
    words = list(words)
    image = _image(spec, asked, words, store)
    asked.image = image.config if image else {}
    _command(spec, asked, words, image)
    spec.labels = dict(asked.image.get("Labels") or {})
    if asked.image.get("Healthcheck") or any("health" in name for name in asked):
        from minidocker.plan.health import note_health

        note_health(spec, asked)
    if notes_wanted(asked):
        from minidocker.plan.notes import note

        note(spec, asked)
    if "volumes-from" in asked:
        from minidocker.plan.volumes_from import inherited

        asked["volumes-from"] = inherited(asked)
    if "pod" in asked:
        from minidocker.plan import pod

        pod.join(spec, asked)
    elif any(one["name"].startswith("container:") for one in asked.get("network", ())):
        from minidocker.plan import pod

        pod.take_name(spec, asked)
    for stage in STAGES:
        stage.plan(spec, asked)
    chosen = [stage for stage in chosen if stage.wanted(spec)]
    spec.stages = [stage.name for stage in chosen]
    if "mine" in asked or "stage" in asked:
        from minidocker.plan.learner import adopted

        chosen = adopted(chosen, asked, spec.id if touch else "")
    return spec, chosen


def notes_wanted(asked: Asked) -> bool:
    """Say whether there is anything to note about the container that changes nothing inside."""
    keys = ("label", "label-file", "annotation", "stop-signal", "stop-timeout")
    return any(key in asked for key in keys) or bool(asked.image.get("StopSignal"))


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
        status, docker = (125, "invalid reference format") if words else (
            1, "'docker run' requires at least 1 argument")  # fmt: skip
        raise UsageError(
            "run needs an IMAGE", "minidocker run base   (minidocker image ls)", status, docker
        )
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
    if image and not entrypoint and not command:
        raise UsageError(
            f"there is nothing to run: {spec.image} names no command, and neither do you",
            f"minidocker run {spec.image} /bin/sh", docker="no command specified",
        )  # fmt: skip
    process.args = entrypoint + command or ["/bin/sh"]
    process.entrypoint = len(entrypoint)
    cwd = asked.get("workdir") or config.get("WorkingDir") or ("/" if rootfs else os.getcwd())
    if not cwd.startswith("/"):
        raise UsageError(
            f"-w {cwd} is not an absolute path", f"-w /{cwd}",
            docker=f"the working directory '{cwd}' is invalid, it needs to be an absolute path",
        )  # fmt: skip
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
        from minidocker.plan.notes import read_file

        for line in read_file(file, "--env-file"):
            name, equals, _ = line.partition("=")
            if equals or name in os.environ:  # a name alone takes ours, and else says nothing
                given.append(line)
    given += asked.get("env", [])
    merged = {"PATH": DEFAULT_PATH}
    # Of an image a name alone says nothing, or it could ask for a password of ours.
    for item in [*base, *(item for item in image if "=" in item), *given]:
        name, equals, value = item.partition("=")
        if not name:
            raise UsageError(
                f"-e {item!r} has no name", "-e NAME=VALUE",
                docker=f'invalid argument "{item}" for "-e, --env" flag: '
                f"invalid environment variable: {item}",
            )  # fmt: skip
        if equals:
            merged[name] = value
        elif name in os.environ:
            merged[name] = os.environ[name]
        else:
            merged.pop(name, None)
    return [f"{name}={value}" for name, value in merged.items()]
