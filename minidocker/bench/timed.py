"""One `minidocker run` that notes the time after each step: what `bench` starts for its table.

    python -I -S timed.py FILE LAUNCHER run --rm …

LAUNCHER is the installed command: its way to the modules is what is measured. FILE gets lines of
"NANOSECONDS STEP", from the clock that time.perf_counter_ns reads. The runtime knows nothing of it:
the moments of the stages are wrapped from here.
"""

from __future__ import annotations

import gc
import os
import sys
import time

TYPE_CHECKING = False  # what is measured must not pay for the import of typing
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, NoReturn

FILE, LAUNCHER = sys.argv[1:3]
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LAST = "\nstart(root, path, loaded)\n"
notes = os.open(FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def note(step: str) -> None:
    """Write down that a step ends now. One write(2): the child writes to the same file."""
    os.write(notes, f"{time.perf_counter_ns()} {step}\n".encode())


note("interpreter")
gc.disable()  # as the installed command does, and as it ends
del sys.argv[1:3]
with open(LAUNCHER, encoding="utf-8", errors="replace") as text:
    program = text.read()
if LAST in program:  # what `make setup` writes: it loads the bundle
    exec(compile(program.replace(LAST, "\n"), LAUNCHER, "exec"), {})
elif ROOT not in sys.path:
    sys.path.insert(0, ROOT)

from minidocker.images.store import store  # noqa: E402, F401
from minidocker.kernel.linux import Linux  # noqa: E402
from minidocker.plan import from_options, options  # noqa: E402, F401
from minidocker.runtime import birth, state, watch  # noqa: E402
from minidocker.stages import STAGES  # noqa: E402
from minidocker.verbs import run  # noqa: E402

note("imports")


def noting(function: Callable[..., Any], step: str) -> Callable[..., Any]:
    """Return the function, with a note when it is done."""

    def noted(*args: Any) -> Any:
        result = function(*args)
        note(step)
        return result

    return noted


def before_exec(
    self: Linux, path: str, argv: Sequence[str], env: dict[str, str], gate: int = -1
) -> NoReturn:
    """Note the last moment at which this is still our program."""
    note("exec")
    execve(self, path, argv, env, gate)
    raise AssertionError("execve returned")


def close_all_but_notes(self: Linux, keep: set[int]) -> None:
    """Close what the runtime closes before exec, and keep our own file open until then."""
    close_all_but(self, {*keep, notes})


close_all_but = Linux.close_all_but
Linux.close_all_but = close_all_but_notes  # type: ignore[method-assign,assignment]
state.create = noting(state.create, "plan")
birth.Birth.spawn = noting(birth.Birth.spawn, "spawn")  # type: ignore[method-assign]
watch.Watch.wait = noting(watch.Watch.wait, "command")  # type: ignore[method-assign]
for stage in STAGES:
    for moment in ("before", "outside", "inside", "after"):
        if moment in vars(stage):  # the others do nothing
            wrapped = noting(getattr(stage, moment), f"{stage.name} {moment}")
            setattr(stage, moment, wrapped)
execve = Linux.execve
Linux.execve = before_exec  # type: ignore[method-assign]

status = run.main(sys.argv[2:])
note("clean-up")
os._exit(status)
