"""Whether a learner's parts are asked for: by a variable of the caller's, or by the bundle."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from minidocker.oci.kinds import Bundle

VARIABLE = "MINIDOCKER_MINE"
ANNOTATION = "minidocker.mine"


def is_served(bundle: Bundle) -> bool:
    """Say whether parts of a learner's are asked for."""
    return VARIABLE in os.environ or ANNOTATION in bundle.annotations
