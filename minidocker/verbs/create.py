"""`minidocker create`: all of `run -d` but the start."""

from __future__ import annotations

import os

from minidocker.errors import NoImage, UsageError
from minidocker.images.store.store import Store
from minidocker.kernel.linux import Linux
from minidocker.plan import options
from minidocker.runtime import state
from minidocker.spec.spec import Run
from minidocker.stages.layers import Layers
from minidocker.verbs import bringing, run

NOT_KEPT = ("mine", "stage", "unsafe", "explain", "dry-run", "on", "fresh", "detach", "detach-keys")


def main(argv: list[str]) -> int:
    """Write the container's record; print its id."""
    found, words = options.parse(argv)
    if "help" in found:
        from minidocker.plan.help import help_parser

        print("minidocker create: as run -d, but it is not started. See: minidocker start\n")
        print(help_parser().format_help(), end="")
        return 0
    if unfit := [key for key in NOT_KEPT if found.get(key)]:
        raise UsageError(f"create has no --{unfit[0]}: what it makes starts later", "run", 125)
    found["detach"] = True
    store = Store()
    bringing.asked_for(found, words)
    try:
        spec, _, made, lock = run.begin(found, words, store)
    except NoImage as problem:
        bringing.missing(found, problem)
        spec, _, made, lock = run.begin(found, words, store)
    try:
        lay_out(made)
    except BaseException:
        state.discard(made)
        raise
    finally:
        os.close(lock)
    print(spec.id)
    return 0


def lay_out(made: Run) -> None:
    """Make the directories of its files: `cp`, `diff`, `export` may come before the first start."""
    Layers().before(Linux(), made)
    state.save(made, "created")
