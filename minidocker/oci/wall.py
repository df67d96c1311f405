"""Wall: what a stage knows besides, when a bundle asks for it."""

from __future__ import annotations

from minidocker.stages.base import Stage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from minidocker.oci.kinds import Bundle


class Wall(Stage):
    """A stage of a bundle's container: `bundle`, and the `story` that it is part of."""

    bundle: Bundle
    story: Any  # the child that passes it: has `pause` and `run_hooks`
