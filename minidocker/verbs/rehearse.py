"""`minidocker run --dry-run`: each step is told, and none is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidocker.images.store.store import Store
from minidocker.kernel.trace import Pretend
from minidocker.plan import from_options
from minidocker.runtime.rehearsal import invented, rehearse

if TYPE_CHECKING:
    from collections.abc import Callable

    from minidocker.kernel.interface import Kernel
    from minidocker.runtime.explain import Teller


def main(
    found: dict[str, object], words: list[str], told: Callable[[Kernel], tuple[Kernel, Teller]]
) -> int:
    """Tell every step of a run by the kernel that `told` gives, and do none; return the status."""
    store = Store()
    spec, stages = from_options.plan(found, words, store, touch=False)
    kernel, teller = told(Pretend(invented(spec.process.user)))
    rehearse(spec, [stage() for stage in stages], kernel, teller, store.root)
    return 0
