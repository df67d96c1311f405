"""A story: one container as one process sees it; and the one loop over a moment of each stage.

The host process tells one (`birth`), the launcher tells a part of it, and `rehearsal` tells the
whole with a kernel that only pretends.
"""

from __future__ import annotations

from minidocker.runtime.failure import failure

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from minidocker.kernel.interface import Kernel
    from minidocker.runtime.explain import Teller
    from minidocker.spec.spec import Run
    from minidocker.stages.base import Stage


class Story:
    """What all moments share; `stage` and `moment` say who is at work, for what is told."""

    def __init__(
        self, run: Run, stages: Sequence[Stage], kernel: Kernel, teller: Teller | None
    ) -> None:
        self.run = run
        self.stages = stages
        self.kernel = kernel
        self.teller = teller
        self.stage: Stage | None = None
        self.moment = ""

    def each(self, moment: str, *args: object, stages: Iterable[Stage] | None = None) -> None:
        """Call one moment of every stage, in the order of STAGES; what fails says where."""
        self.moment = moment
        for stage in self.stages if stages is None else stages:
            self.stage = stage
            try:
                getattr(stage, moment)(self.kernel, self.run, *args)
            except Exception as problem:
                raise failure(problem, stage, moment) from None
        self.stage = None
