"""The scene in which a function speaks to a kernel that only listens: what does it ask for?

Played in a cell, as the scenes of the checks are (cell_init.py). No check uses it: it is for
`minidocker hint`, which compares the calls of two files.
"""

from __future__ import annotations

import inspect
from typing import Any

from minidocker.kernel import flags
from minidocker.kernel.interface import Kernel
from minidocker.kernel.trace import METHODS, QUIET, Pretend, spell

MOST = 200  # calls of one function; more is a loop without end
OFFERED = "cpuset cpu io memory pids\n"
FILES = {f"/sys/fs/cgroup{path}/cgroup.controllers": OFFERED for path in ("", "/boxes")}
PID = 4242  # what fork returns in the parent


class TooMany(BaseException):
    """The function makes calls without end. No `except Exception` of a learner's stops this one."""


class Listening(Kernel):
    """A kernel that does nothing; `heard` has each call whole, arguments that were left out too."""

    def __init__(self, forked: int) -> None:
        self.heard: list[dict[str, Any]] = []
        self.kernel = Pretend(FILES)
        self.forked = forked

    def __getattribute__(self, name: str) -> Any:
        if name not in METHODS:
            return object.__getattribute__(self, name)
        kernel = object.__getattribute__(self, "kernel")

        def listened(*args: Any, **named: Any) -> Any:
            bound = inspect.signature(getattr(Kernel, name)).bind(kernel, *args, **named)
            bound.apply_defaults()
            words = list(bound.args)[1:]
            if name not in QUIET:
                self.note(name, words, spell(name, words))
            return self.forked if name in ("fork", "clone") else getattr(kernel, name)(*words)

        return listened

    def note(self, name: str, words: list[Any], told: str) -> None:
        """Keep a call."""
        if len(self.heard) == MOST:
            raise TooMany
        values = [repr(word) for word in words]
        self.heard.append({"name": name, "values": values, "told": told})

    def child(self) -> None:
        """Stand for a function of the caller's that never returns."""
        self.note("child", [], "child()")
        raise SystemExit(0)


def act_calls(learner: Any, kernel: Kernel, talk: Any, name: str, example: str) -> None:
    """Call one function with example arguments, as the parent of a fork and as the child."""
    function = getattr(learner, name)
    talk.step(f"{name}({example})")
    told = []
    for forked in (PID, 0):
        listening = Listening(forked)
        names = {**vars(flags), "kernel": listening, "child": listening.child}
        result, raised = "", ""
        try:
            result = repr(eval(f"{name}({example})", {**names, name: function}))
        except SystemExit:
            pass
        except TooMany:
            raised = f"more than {MOST} calls"
        except Exception as problem:
            raised = f"{type(problem).__name__}: {problem}"
        told.append({"calls": listening.heard, "result": result[:200], "raised": raised[:200]})
    talk.say("calls", parent=told[0], child=told[1])
