"""Failure: name the stage, the moment, the part and whose file, for whatever was raised."""

from __future__ import annotations

from minidocker.errors import KernelError, MinidockerError, StageError

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.stages.base import Stage


def failure(problem: BaseException, stage: Stage | None, moment: str) -> MinidockerError:
    """Turn an exception into a MinidockerError that says where it happened.

    A MinidockerError passes unchanged: it is a sentence already. For a learner's function the
    frames of their own file come along.
    """
    if isinstance(problem, MinidockerError):
        return problem
    part = stage.doing if stage else ""
    file = stage.origin.get(part, "") if stage else ""
    where = f"stage {stage.name}, {moment}" if stage else moment
    if part:
        where += f", part {part}"
    if file:
        where += f" of {file}"
    if isinstance(problem, KernelError):
        message, remedy = str(problem), problem.remedy
    elif isinstance(problem, OSError) and problem.strerror and not file:
        where_to = f": {problem.filename}" if problem.filename else ""
        message, remedy = f"{problem.strerror}{where_to}", ""
        last = problem.__traceback__
        while last and last.tb_next:
            last = last.tb_next
        if last and "importlib" in last.tb_frame.f_code.co_filename:
            message = f"read(2) of a module of Python's: {message}"
    else:
        message, remedy = f"{type(problem).__name__}: {problem}", ""
    if isinstance(problem, ImportError) and file:
        remedy = "import at the top of the file: here, the host's Python is out of reach"
    trace = ""
    if file:
        from minidocker.runtime.adopt import own_frames

        trace = own_frames(problem, stage.origin.values() if stage else [])
    return StageError(f"{where}: {message}", where, remedy, trace)
