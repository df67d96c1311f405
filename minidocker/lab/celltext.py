"""Run the Python text of a cell, as IPython would: the last expression's value is shown.

This runs in the fresh process of `minidocker.lab.isolated`, in the namespaces of the cell.
"""

from __future__ import annotations

import ast
import linecache
import os
import sys
import traceback
from types import TracebackType
from typing import Any, NoReturn

from minidocker.kernel import flags
from minidocker.kernel.linux import Linux
from minidocker.proc import processes

NAME = "<cell>"


def names() -> dict[str, Any]:
    """Return what a cell may use without an import: os, kernel, proc and the constants.

    The constants are those of minidocker.kernel.flags in the kernel's spelling: CLONE_NEWPID, …
    """
    constants = {name: value for name, value in vars(flags).items() if name.isupper()}
    return {"__name__": "__main__", "os": os, "kernel": Linux(), "proc": processes, **constants}


def run(source: str, argv: list[str]) -> NoReturn:
    """Run the text, and end this process: 0, what sys.exit said, or 1 with the traceback."""
    sys.argv = argv
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, write_through=True)  # type: ignore[union-attr]
    linecache.cache[NAME] = (len(source), None, source.splitlines(keepends=True), NAME)
    status = 1
    try:
        _execute(source)
        status = 0
    except SystemExit as ending:
        status = _status(ending)
    except BaseException as problem:  # a learner's cell may raise anything, also KeyboardInterrupt
        _show(problem)
    finally:
        _flush()
        # Not sys.exit: a child that the cell forked gets here too, and must end here.
        os._exit(status & 0xFF)


def _execute(source: str) -> None:
    tree = ast.parse(source, NAME)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    scope = names()
    exec(compile(tree, NAME, "exec"), scope)
    if last is not None:
        exec(compile(ast.Interactive([last]), NAME, "single"), scope)


def _status(ending: SystemExit) -> int:
    if isinstance(ending.code, str):
        print(ending.code)
        return 1
    return int(ending.code or 0)


def _show(problem: BaseException) -> None:
    """Print the traceback from the cell's first line on; our own frames above it say nothing."""
    frames: TracebackType | None = problem.__traceback__
    while frames and frames.tb_frame.f_code.co_filename != NAME:
        frames = frames.tb_next
    text = "".join(traceback.format_exception(type(problem), problem, frames)).rstrip()
    remedy = getattr(problem, "remedy", "")
    print(text + (f"\n  try: {remedy}" if remedy else ""))


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            continue  # the reader has gone, or the cell closed it
