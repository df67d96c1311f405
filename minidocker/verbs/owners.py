"""Commands that read or write files of many owners: an ordinary user does them as root inside."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable


def with_owners(work: Callable[[], int]) -> int:
    """Call `work`; for an ordinary user with subordinate ids, in a user namespace of theirs."""
    if sys.platform != "linux" or not os.geteuid():
        return work()
    from minidocker.places import default_root
    from minidocker.runtime import rootless

    os.environ["MINIDOCKER_ROOT"] = default_root()  # which depends on who asks
    return rootless.as_root(work) if rootless.wanted() else work()
