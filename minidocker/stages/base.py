"""Stage: one wall around a process, and the socket that learners plug into.

A stage has **moments**, which the runtime calls, and **parts**, which the moments call
as `self.part(...)`. A part is a small static method: that is what a learner writes. It also
has **options**, the words of the command line that are its own: the plan asks it about them.
"""

from __future__ import annotations

from minidocker.errors import KernelError, MinidockerError, UsageError
from minidocker.kernel.flags import MS_BIND
from minidocker.spec.words import put

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, ClassVar

    from minidocker.kernel.interface import Kernel
    from minidocker.spec.spec import Run, Spec
    from minidocker.spec.words import Asked, Option


# What lxcfs puts into a container's /proc, as in runc; cgroups may be shown as they are.
MAY_BE_COVERED = (
    "/proc/cpuinfo", "/proc/diskstats", "/proc/loadavg", "/proc/meminfo", "/proc/net/dev",
    "/proc/slabinfo", "/proc/stat", "/proc/swaps", "/proc/uptime",
)  # fmt: skip
CLOSED = ("proc", "sysfs")
CGROUPS = "/sys/fs/"


def show_node(kernel: Kernel, source: str, target: str) -> None:
    """Bind the host's node: in a user namespace nobody may make one. mknod(2), EPERM"""
    kernel.mknod(target, 0o100666)
    kernel.mount(source, target, "", MS_BIND)


def place(kernel: Kernel, root: str, path: str, kind: str = "dir") -> str:
    """Make a mount point, and refuse one in /proc or /sys: what hides and protects lies there.

    It is asked where the path *leads*: an image may have a link, and "/x/../proc" is /proc.
    """
    plain = "/" + "/".join(part for part in path.split("/") if part not in ("", "."))
    try:
        target = kernel.target(root, path, kind)
        where = kernel.filesystem(target)
    except KernelError:  # there nobody can make a mount point
        where = {"/proc/": "proc", "/sys/": "sysfs"}.get(plain[: plain.find("/", 1) + 1], "")
        if not where:
            raise
    else:
        below = plain.startswith(CGROUPS) and ".." not in plain.split("/")
        allowed = plain in MAY_BE_COVERED if where == "proc" else below
        if where not in CLOSED or allowed:
            return target
    raise MinidockerError(
        f"{path} leads into the container's /{'proc' if where == 'proc' else 'sys'}: "
        "nothing may be mounted there, or it could hide what protects the host",
        "another path inside",
    )


class Stage:
    """One wall. Subclasses say which namespaces it needs and what is done when."""

    name: ClassVar[str] = ""
    namespaces: ClassVar[int] = 0
    """CLONE_NEW… flags that this stage adds to the clone."""
    shares: ClassVar[str] = ""
    """The name under /proc/PID/ns of a namespace that the user may share; "" for none."""
    needs: ClassVar[tuple[str, ...]] = ()
    """Stages without which this one is refused."""
    always: ClassVar[bool] = False
    """True: the plan adds this stage by itself where another one needs it."""
    mounts: ClassVar[bool] = False
    """True: `inside` changes mounts, so it must never run in the host's mount namespace."""
    gives_up: ClassVar[bool] = False
    """True: `inside` gives up rights, so the terminal is made before it."""
    options: ClassVar[tuple[Option, ...]] = ()
    """The options of `run` that this stage understands."""
    last: ClassVar[bool] = False
    """True: `inside` comes just before the exec, since it forbids what must be done before that."""
    parts: ClassVar[tuple[str, ...]] = ()
    """Names of the static methods that a learner may replace."""
    replaced: ClassVar[dict[str, str]] = {}
    """part → the one that serves in its place as soon as a learner has written that one"""
    origin: ClassVar[dict[str, str]] = {}
    """part → the file it came from, for those that are not the reference's own."""

    def __init__(self) -> None:
        self.doing = ""  # the part at work, or the one that failed
        for name in self.parts:
            setattr(self, name, self._noting(name))

    def _noting(self, name: str) -> Any:
        function = getattr(type(self), name)

        def part(*args: Any) -> Any:
            self.doing = name
            result = function(*args)
            self.doing = ""
            return result

        return part

    def told_as(self, part: str, call: Callable[..., Any], *args: Any) -> Any:
        """Make a call whose arguments a part has written: it is told, and fails, in its name."""
        self.doing = part
        result = call(*args)
        self.doing = ""
        return result

    @classmethod
    def wish(cls, asked: Asked) -> str:
        """Say what on the command line needs this stage, as typed; "" when nothing does."""
        for option in cls.options:
            value = asked.get(option.key)
            if value is not None and value not in option.idle:
                return f"--{option.key} {value}" if option.idle else f"--{option.key}"
        return ""

    @classmethod
    def plan(cls, spec: Spec, asked: Asked) -> None:
        """Put what its options ask for into the Spec: each value into its field.

        The plan calls this for every stage, in the order of STAGES. `spec.stages` has the names
        of those that were chosen; for one that was not, at most idle values are asked for.
        """
        for option in cls.options:
            if option.field and option.key in asked:
                put(spec, option.field, asked[option.key])

    @classmethod
    def refuse_shared(cls, spec: Spec, asked: Asked, *keys: str) -> None:
        """Refuse options that would change a namespace which is not the container's own."""
        for key in keys:
            if asked.get(key) and cls.shares in spec.sharing:
                raise UsageError(
                    f"--{key} changes what --{cls.name} {spec.sharing[cls.shares]} "
                    "shares with others",
                    "leave one out",
                )

    @classmethod
    def wanted(cls, spec: Spec) -> bool:
        """Say whether a run by this Spec needs the stage: some work only where asked to."""
        return True

    def before(self, kernel: Kernel, run: Run) -> None:
        """On the host, before the child exists."""

    def entry(self, mode: str) -> tuple[int, str]:
        """Say how the child gets this namespace: (flags for the clone, file to join or "").

        `mode` is "private", "host" (its parent's own: nothing to do) or "container:PID".
        """
        kind, _, pid = mode.partition(":")
        if kind == "container":
            return 0, f"/proc/{pid}/ns/{self.shares}"
        return (0 if kind == "host" else self.namespaces), ""

    def parent(self, kernel: Kernel, run: Run) -> None:
        """In a short-lived process that then makes the child: for what only children inherit.

        A stage that has this moment costs one more fork; see runtime/launcher.py.
        """

    def outside(self, kernel: Kernel, run: Run, pid: int) -> None:
        """On the host, while the child waits; `pid` is the child as the host numbers it."""

    def inside(self, kernel: Kernel, run: Run) -> None:
        """In the child, before the command: no import works here, and the root may be new."""

    def after(self, kernel: Kernel, run: Run) -> None:
        """On the host, whenever; from the record alone, and harmless when done twice."""
