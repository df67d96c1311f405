"""Which stages a build needs, on what each of them waits, and the images that they begin with."""

from __future__ import annotations

from typing import NamedTuple

from minidocker.build import mounts
from minidocker.build.dockerfile import Instruction, Stage, one_line
from minidocker.build.request import Request
from minidocker.build.settings import arguments
from minidocker.build.state import State, from_image
from minidocker.build.substitute import Words
from minidocker.build.wrong import BuildError
from minidocker.errors import MinidockerError, NoImage
from minidocker.images.store import oci
from minidocker.spec.words import is_number

SCRATCH = "scratch"


class Node(NamedTuple):
    """A stage to build: `base` an earlier stage's place or an image's name; `steps` to do.

    `others`: what COPY --from and mounts name → the place of a stage, or an image's name.
    """

    place: int
    stage: Stage
    base: int | str
    steps: list[Instruction]
    others: dict[str, int | str]

    def needs(self) -> set[int]:
        """Return the stages that must be there before it begins."""
        return {one for one in [self.base, *self.others.values()] if isinstance(one, int)}


class Graph:
    """The stages that the target needs, and the images, which are in the store afterwards."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.head = head_values(request)
        self.images: dict[str, State] = {}
        self.nodes: dict[int, Node] = {}
        self.target = self._target()
        self._visit(self.target)

    def _target(self) -> int:
        stages, wanted = self.request.dockerfile.stages, self.request.target
        if not wanted:
            return len(stages) - 1
        found = self._stage(wanted, len(stages))
        if found is None:
            raise BuildError(
                0, f"there is no stage {wanted!r}", "--target NAME, of FROM … AS NAME",
                f"target stage {wanted!r} could not be found",
            )  # fmt: skip
        return found

    def _stage(self, name: str, before: int) -> int | None:
        """Return the index of the stage of this name or number, among those before another."""
        names = [stage.name for stage in self.request.dockerfile.stages[:before]]
        if name.lower() in names and name:
            return names.index(name.lower())
        if is_number(name) and int(name) < before:
            return int(name)
        return None

    def _visit(self, index: int) -> None:
        if index in self.nodes:
            return
        stage = self.request.dockerfile.stages[index]
        base, triggers = self._base(index, stage)
        node = Node(index, stage, base, [*triggers, *stage.steps], {})
        for step in node.steps:
            for origin in origins(step):
                node.others[origin] = self._origin(origin, index, step.number)
        self.nodes[index] = node

    def _base(self, index: int, stage: Stage) -> tuple[int | str, list[Instruction]]:
        """Return what a stage begins with, and the triggers that this pulls."""
        words = Words(self._values(), self.request.dockerfile.escape, stage.number)
        name = words.word(stage.base)
        if not name:
            raise BuildError(
                stage.number, f"FROM {stage.base}: the name is empty", "--build-arg NAME=VALUE",
                f"base name ({stage.base}) should not be blank",
            )  # fmt: skip
        platform = words.word(stage.platform) or self.request.platform
        earlier = self._stage(name, index) if not name.isdecimal() else None
        if earlier is not None:
            self._visit(earlier)
            own = self.request.dockerfile.stages[earlier].steps
            texts, escape = [s.rest for s in own if s.word == "ONBUILD"], words.escape
            return earlier, [one_line(text, stage.number, escape) for text in texts]
        key = self.image(name, platform, stage.number)
        texts = self.images[key].config.get("OnBuild") or []
        return key, [one_line(text, stage.number) for text in texts]

    def _origin(self, name: str, index: int, line: int) -> int | str:
        """Return the stage before another one that `--from` means, or the key of an image."""
        found = self._stage(name, index)
        if found is not None:
            self._visit(found)
            return found
        if name.isdecimal():
            raise BuildError(line, f"there is no stage {name} before this one", "",
                             f"invalid from flag value {name}")  # fmt: skip
        return self.image(name, self.request.platform, line)

    def _values(self) -> dict[str, str]:
        return {**self.request.platforms(), **self.head}

    def image(self, name: str, platform: str, line: int) -> str:
        """See to it that an image is in the store; return the key of its state."""
        key = f"{name} {platform}".strip()
        if key not in self.images:
            if name == SCRATCH:
                state = State(oci.read_platform(platform))
                state.config["Env"] = [oci.PATH]  # as Docker and buildah give it
                state.created = self.request.now() if self.request.epoch is not None else oci.EPOCH
                self.images[key] = state
            else:
                self.images[key] = self._from_store(name, platform, line)
        return key

    def _from_store(self, name: str, platform: str, line: int) -> State:
        store, bring = self.request.store, self.request.bring
        try:
            if self.request.pull:
                bring(name, platform, True)
            elif platform:
                bring(name, platform, False)
            try:
                image = store.resolve(name)
            except NoImage:
                bring(name, platform, True)
                image = store.resolve(name)
        except BuildError:
            raise
        except MinidockerError as problem:
            raise BuildError(line, f"FROM {name}: {problem.message}", problem.remedy,
                             f"failed to resolve source metadata for {name}") from None  # fmt: skip
        return from_image(store, image.id.removeprefix("sha256:"), line)

    def waves(self) -> list[int]:
        """Return the indexes of all stages, each after those that it needs."""
        return sorted(self.nodes)


def head_values(request: Request) -> dict[str, str]:
    """Return the values of the ARGs before the first FROM."""
    found: dict[str, str] = {}
    for one in request.dockerfile.head:
        values = {**request.platforms(), **found}
        words = Words(values, request.dockerfile.escape, one.number)
        for name, default in arguments(one, words):
            value = request.args.get(name, default)
            if value is not None:
                found[name] = value
    return found


def origins(one: Instruction) -> list[str]:
    """Return the stages and images that an instruction takes files from."""
    if one.word == "RUN":
        return mounts.origins(one)
    origin = one.flag("from") if one.word == "COPY" else None
    if origin and "$" in origin:
        raise BuildError(one.number, f"--from={origin} has a variable, and cannot have one",
                         "FROM $NAME AS stage, and --from=stage",
                         "'--from' doesn't support variable expansion")  # fmt: skip
    return [origin] if origin else []
