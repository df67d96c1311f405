"""Printing of told steps: a tree with colours on a terminal, plain lines in a pipe."""

from __future__ import annotations

import os
import sys
from typing import Any

from minidocker.stages import by_name


class Printer:
    """Shows one step after the other on standard error; a new stage or moment opens a branch."""

    def __init__(self) -> None:
        self.branch: tuple[str, str] | None = None
        self.console = _console()

    def show(self, step: dict[str, Any]) -> None:
        """Print one step of a Teller; a reader that has gone away does not stop the run."""
        try:
            self.tell(step)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)

    def tell(self, step: dict[str, Any]) -> None:
        """Print one step, under the head of its stage and moment."""
        branch = (step["stage"], step["moment"])
        if branch != self.branch:
            self.branch = branch
            self.head(*branch)
        part = step["part"] and f"{step['part']}()"
        whose = step["origin"] or ("reference" if step["part"] else "")
        self.step(step["call"], step["shell"], f"{part} {whose}".strip(), step["at"])

    def head(self, stage: str, moment: str) -> None:
        """Print where we are, and in words what this stage is for."""
        words = (by_name(stage).__doc__ or "").splitlines()[0] if stage else MOMENTS.get(moment, "")
        name = f"{stage or 'runtime'} · {moment}"
        if self.console:
            self.console.print(f"[bold cyan]● {name}[/]  [dim]{words}[/]", highlight=False)
        else:
            print(f"{name}: {words}", file=sys.stderr)

    def step(self, call: str, shell: str, whose: str, at: float) -> None:
        """Print one call, the shell command that does the same, and whose part made it."""
        if self.console:
            from rich.markup import escape

            self.console.print(
                f"  ├─ [bold]{escape(call)}[/]  [dim]{escape(whose)}  {at * 1000:.1f} ms[/]",
                highlight=False, soft_wrap=True,
            )  # fmt: skip
            if shell:
                self.console.print(
                    f"  │    [green]$ {escape(shell)}[/]", highlight=False, soft_wrap=True
                )
        else:
            print(f"  {call}", file=sys.stderr)
            if shell:
                print(f"      $ {shell}", file=sys.stderr)
            print(f"      {whose or 'runtime'}, at {at * 1000:.1f} ms", file=sys.stderr)
        sys.stderr.flush()


MOMENTS = {
    "spawn": "start the child in its namespaces; it waits at the gate",
    "inside": "in the child",
    "exec": "the child becomes the command",
}


def _console() -> Any:
    """A rich console for a terminal; None for a pipe, and where rich is not installed."""
    if not sys.stderr.isatty():
        return None
    if sys.flags.no_site:
        import site

        site.main()
    try:
        from rich.console import Console
    except ImportError:
        return None
    return Console(stderr=True, no_color="NO_COLOR" in os.environ, soft_wrap=True,
                   emoji=False)
