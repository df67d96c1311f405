"""A stage at work: what all of its steps need, whatever they do."""

from __future__ import annotations

from collections.abc import Callable

from minidocker.build import layers, own
from minidocker.build.addition import Addition, Owner
from minidocker.build.copying import From
from minidocker.build.ignore import Ignore
from minidocker.build.owners import owner
from minidocker.build.request import Request
from minidocker.build.state import State
from minidocker.build.tree import Folder, Tree
from minidocker.build.unpacked import Archives
from minidocker.build.wrong import BuildError
from minidocker.images.store import oci

Fill = Callable[[Addition, Archives], None]


class AtWork:
    """A stage at work. `others` are the stages and images that it may take files from.

    `head` are the ARGs of before the first FROM, `say` tells people a line of this step.
    """

    def __init__(
        self, request: Request, state: State, head: dict[str, str], others: dict[str, State],
        say: Callable[[int, bytes], None],
    ) -> None:  # fmt: skip
        self.request, self.state, self.head, self.others = request, state, head, others
        self.store = request.store
        self.number = 0
        self._say = say

    def say(self, text: bytes) -> None:
        """Tell people a line of the step that is being done."""
        self._say(self.number, text)

    def when(self) -> str:
        """Return the time that a step of now gets."""
        return self.request.now()

    def hexes(self) -> list[str]:
        """Return the stage's layers in hex, bottom first."""
        return [hex for hex, _ in self.state.layers]

    def base(self) -> list[object]:
        """Return what every step depends on."""
        return [self.hexes(), self.state.platform, self.request.epoch]

    def add(self, fill: Fill, words: list[object], note: str, chown: str = "", chmod: str = "",
            line: int = 0, kept: bool = False) -> bool:  # fmt: skip
        """Add a layer of the files that `fill` puts into an addition; True if it was cached.

        `kept`: without --chown, files keep the owners that they have in their stage or image.
        """

        def work() -> oci.Json:
            below = layers.tree_of(self.store, self.hexes())
            who = owner(below, chown, chmod, line)
            theirs = Owner(None, None, who.mode)
            addition = Addition(
                below, theirs if kept and not chown else who, line, self.request.newest()
            )
            if not chown:
                addition.unpacked = theirs
            with Archives(self.store) as archives:
                fill(addition, archives)
                if not addition.entries:
                    return {"layer": "", "created": self.state.created or self.when()}
                key = own.key_of_addition(self, note, addition, line)
                key = key or layers.key_of(self.base(), words, addition.fingerprint())
                cached = not self.request.no_cache
                return layers.of_addition(self.store, addition, key, self.when(), cached)

        recipe = layers.as_owner(work)
        self.state.note(note, layers.of_recipe(recipe), recipe["created"])
        return bool(recipe.get("cached"))

    def source(self, origin: str, line: int) -> From:
        """Return the tree that COPY --from means; "" is the context."""
        if origin:
            tree: Tree = layers.tree_of(self.store, [hex for hex, _ in self.others[origin].layers])
            return From(tree, Ignore(), f"the stage {origin}", True)
        if not self.request.context:
            why = "there is no context: the Dockerfile came alone"
            raise BuildError(line, why, "minidocker build DIR")
        return From(Folder(self.request.context), self.request.ignore, "the context", False)
