"""Words that take several names: each by itself, and one that fails stops no other."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from minidocker.engine import revival
from minidocker.errors import Blocked, Conflict, MinidockerError, NotFound
from minidocker.images.store.store import Store


def each(
    store: Store, names: Sequence[str], work: Callable[[dict[str, Any]], object],
    missing_ok: bool = False,
) -> int:  # fmt: skip
    """Do `work` with the record of each; print its name, or what work returns; the exit status.

    With one name its error is the command's own; with several, each error is a line, and the
    status is the first one's: 1, as Docker's, for what its daemon refuses.
    """

    def known(name: str) -> object:
        said = work(revival.find(store, name))
        return name if said is None else said

    return one_by_one(names, known, missing_ok)


def one_by_one(
    names: Sequence[str], work: Callable[[str], object], missing_ok: bool = False
) -> int:
    """Print what `work` returns for each name; the exit status. What fails is as in `each`."""
    failed: list[MinidockerError] = []
    for name in names:
        try:
            print(work(name), flush=True)
        except MinidockerError as problem:
            quiet = missing_ok and isinstance(problem, NotFound)
            if len(names) == 1 and not quiet:
                raise
            docker = f"   (Docker says: {problem.docker})" if problem.docker else ""
            sys.stderr.write(f"minidocker: {problem.message}{docker}\n")
            if not quiet:
                failed.append(problem)
    if not failed:
        return 0
    known = isinstance(failed[0], NotFound | Conflict | Blocked)  # what Docker's daemon refuses
    return 1 if known and failed[0].status == 125 else failed[0].status
