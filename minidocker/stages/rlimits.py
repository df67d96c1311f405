"""Resource limits of one process, from before there were cgroups. getrlimit(2)"""

from __future__ import annotations

from errno import EACCES, EPERM

from minidocker.errors import Blocked, KernelError, UsageError
from minidocker.spec.words import LIST, VALUE, Option
from minidocker.stages.base import Stage

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
    from minidocker.spec.spec import Run

# getrlimit(2): --ulimit's names and the kernel's numbers, the same on x86_64 and arm64
ULIMITS = {
    "cpu": 0, "fsize": 1, "data": 2, "stack": 3, "core": 4, "rss": 5, "nproc": 6, "nofile": 7,
    "memlock": 8, "locks": 10, "sigpending": 11, "msgqueue": 12, "nice": 13, "rtprio": 14,
    "rttime": 15,
}  # fmt: skip


def ulimit(text: str, option: str) -> list[int]:
    """Read --ulimit NAME=SOFT[:HARD] as [number, soft, hard]; -1 is no limit."""
    name, sign, rest = text.partition("=")
    numbers = rest.split(":")
    try:
        limits = [int(numbers[0]), int(numbers[-1])]
    except ValueError:
        limits = []
    if name not in ULIMITS or len(numbers) > 2 or not limits or min(limits) < -1:
        raise UsageError(
            f"{option} {text!r} is not NAME=SOFT or NAME=SOFT:HARD",
            f"such as {option} nofile=1024:4096; names: {', '.join(ULIMITS)}",
            docker=f'invalid argument "{text}" for "{option}" flag: '
            + (no_ulimit(name, rest) if sign else f"invalid ulimit argument: {text}"),
        )
    if limits[1] != -1 and (limits[0] == -1 or limits[0] > limits[1]):
        said = f"{limits[0]} > {limits[1]}"
        if limits[0] == -1:
            said = f"soft: -1 (unlimited), hard: {limits[1]}"
        raise UsageError(
            f"{option} {text}: the soft limit is above the hard one", "SOFT:HARD",
            docker=f'invalid argument "{text}" for "{option}" flag: ulimit soft limit must be '
            f"less than or equal to hard limit: {said}",
        )  # fmt: skip
    return [ULIMITS[name], *limits]


def no_ulimit(name: str, rest: str) -> str:
    """Say in Docker's words what is wrong with NAME=REST."""
    if name not in ULIMITS:
        return f"invalid ulimit type: {name}"
    if rest.count(":") > 1:
        return f"too many limit value arguments - {rest}, can only have up to two, `soft[:hard]`"
    wrong = next((n for n in rest.split(":") if not n.removeprefix("-").isdecimal()), rest)
    return f'strconv.ParseInt: parsing "{wrong}": invalid syntax'


def score(text: str, option: str) -> int:
    """Read --oom-score-adj: how gladly the kernel ends this process when memory is short."""
    try:
        number = int(text)
    except ValueError:
        number = 9999
    if not -1000 <= number <= 1000:
        raise UsageError(
            f"{option} {text!r} is no whole number from -1000 to 1000", f"such as {option} 500",
            docker=f"Invalid value {text}, range for oom score adj is [-1000, 1000]",
        )  # fmt: skip
    return number


class Rlimits(Stage):
    """Set what --ulimit and --oom-score-adj ask for."""

    name = "rlimits"
    options = (
        Option("--ulimit", LIST, "NAME=SOFT[:HARD]", "rights",
               "a limit of each process, such as nofile=1024", read=ulimit,
               field="process.rlimits", typed=True),
        Option("--oom-score-adj", VALUE, "N", "rights",
               "when memory is short, end it sooner (to 1000) or later (to -1000)", read=score,
               field="process.oom_score"),
    )  # fmt: skip
    parts = ("limit",)

    def before(self, kernel: Kernel, run: Run) -> None:
        """Load what the child will need when it can load nothing any more."""
        if run.spec.process.rlimits:
            import resource  # noqa: F401

    def outside(self, kernel: Kernel, run: Run, pid: int) -> None:
        """Write the score, while we have the rights that it may take. proc_pid_oom_score_adj(5)"""
        wanted = run.spec.process.oom_score
        if wanted is None:
            return
        try:
            kernel.write(f"/proc/{pid}/oom_score_adj", str(wanted))
        except KernelError as problem:
            if problem.errno not in (EACCES, EPERM):
                raise
            raise Blocked(
                f"--oom-score-adj {wanted}: only CAP_SYS_RESOURCE may make a score smaller",
                "a larger number, or sudo minidocker run",
            ) from None

    def inside(self, kernel: Kernel, run: Run) -> None:
        """Set each limit."""
        for number, soft, hard in run.spec.process.rlimits or ():
            self.limit(kernel, number, soft, hard)

    @staticmethod
    def limit(kernel: Kernel, number: int, soft: int, hard: int) -> None:
        """Set one limit; to raise a hard one takes CAP_SYS_RESOURCE. −1 is no limit."""
        kernel.setrlimit(number, soft, hard)
