"""Words that take several containers: each by itself, and one that fails stops no other."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from minidocker.engine import revival
from minidocker.errors import MinidockerError, NotFound
from minidocker.images.store.store import Store


def each(
    store: Store, names: Sequence[str], work: Callable[[dict[str, Any]], object],
    missing_ok: bool = False,
) -> int:  # fmt: skip
    """Do `work` with the record of each; print its name, or what work returns; the exit status.

    With one name its error is the command's own; with several, each error is a line.
    """
    failed: list[MinidockerError] = []
    for name in names:
        try:
            record = revival.find(store, name)
            said = work(record)
            print(name if said is None else said, flush=True)
        except MinidockerError as problem:
            quiet = missing_ok and isinstance(problem, NotFound)
            if len(names) == 1 and not quiet:
                raise
            docker = f"   (Docker says: {problem.docker})" if problem.docker else ""
            sys.stderr.write(f"minidocker: {problem.message}{docker}\n")
            if not quiet:
                failed.append(problem)
    return failed[0].status if failed else 0

