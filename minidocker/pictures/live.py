"""A picture that is drawn again and again in one output of a notebook, while something happens."""

from __future__ import annotations

import sys
from typing import Any

from minidocker.pictures.picture import Picture


class Live:
    """One output of a notebook's cell, that is drawn again and again."""

    def __init__(self, shell: Any, handle: Any) -> None:
        self.shell, self.handle = shell, handle

    @classmethod
    def here(cls) -> Live | None:
        """Return an output of the running cell; None outside of a notebook."""
        if "IPython" not in sys.modules:  # to import it takes a second or two
            return None
        from IPython.core.getipython import get_ipython
        from IPython.display import display

        shell = get_ipython()
        if shell is None or not hasattr(shell, "kernel"):
            return None
        return cls(shell, display("…", display_id=True))  # type: ignore[no-untyped-call]

    def show(self, picture: Picture) -> None:
        """Draw a picture in the place of the last one."""
        self.handle.update(picture)
        self.shown = picture
        count = self.shell.execution_count

        def once() -> None:
            # As the value of the same cell it would stand there twice.
            if self.shell.execution_count != count:
                from IPython.display import display

                display(picture._repr_mimebundle_(), raw=True)  # type: ignore[no-untyped-call]

        picture._ipython_display_ = once  # type: ignore[attr-defined]
