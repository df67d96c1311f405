"""The frame around words that change the store: the right user, and one sentence for what fails."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable
from typing import NoReturn

from minidocker.errors import Blocked
from minidocker.verbs.owners import with_owners


def guarded(work: Callable[[], int]) -> int:
    """Do `work` as who may write files of many owners; its status. A SIGTERM ends it tidily."""

    def tidy() -> int:
        with contextlib.suppress(ValueError):  # only the main thread may
            signal.signal(signal.SIGTERM, _end)  # so that half-done work is cleared away
        try:
            return work()
        except BrokenPipeError:
            raise
        except OSError as problem:
            where = f"{problem.filename}: " if problem.filename else ""
            raise Blocked(f"{where}{problem.strerror or problem}", "minidocker doctor") from None

    return with_owners(tidy)


def _end(number: int, _: object) -> NoReturn:
    raise SystemExit(128 + number)
