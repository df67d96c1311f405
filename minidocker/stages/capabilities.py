"""Capabilities: root's power in some forty pieces, and which of them a container keeps."""

from __future__ import annotations

from minidocker.errors import UsageError
from minidocker.kernel.flags import (
    CAP_SYS_ADMIN,
    CAPABILITIES,
    DEFAULT_CAPABILITIES,
    PR_CAPBSET_DROP,
    mask,
)
from minidocker.spec.words import FLAG, LIST, Option
from minidocker.stages.base import Stage

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
    from minidocker.spec.spec import Run, Spec
    from minidocker.spec.words import Asked


def read_name(text: str, option: str) -> str:
    """Turn "net_admin" or "CAP_NET_ADMIN" into CAP_NET_ADMIN; "all" into ALL."""
    word = text.upper()
    name = word if word == "ALL" or word.startswith("CAP_") else f"CAP_{word}"
    if name != "ALL" and name not in CAPABILITIES:
        from minidocker.spec.near import nearest

        close = nearest(name[4:], [one[4:] for one in CAPABILITIES])
        raise UsageError(
            f"{option} {text}: there is no such capability",
            f"did you mean {close}?" if close else "man 7 capabilities",
            docker=f'invalid Cap{option[6:].capitalize()}: unknown capability: "{name}"',
        )
    return name


class Capabilities(Stage):
    """Keep the capabilities that were asked for, and lose the others for good."""

    name = "capabilities"
    options = (
        Option("--cap-add", LIST, "NAME", "rights", "add a capability, such as NET_ADMIN, or ALL",
               read=read_name),
        Option("--cap-drop", LIST, "NAME", "rights", "take a capability away, or ALL",
               read=read_name),
        Option("--privileged", FLAG, "", "rights",
               "every right that root has here; a wall less for each", field="linux.privileged"),
    )  # fmt: skip
    parts = ("drop_capabilities",)

    @classmethod
    def plan(cls, spec: Spec, asked: Asked) -> None:
        """Name those that the container keeps: Docker's, or all for --privileged, then changed."""
        super().plan(spec, asked)
        spec.process.capabilities = list(DEFAULT_CAPABILITIES)
        added, dropped = asked.get("cap-add", []), asked.get("cap-drop", [])
        if added or dropped or spec.linux.privileged:
            # In a user namespace its root has every one, whatever we have.
            ours = held() if asked.touch and not spec.ids else list(CAPABILITIES)
            base = ours if spec.linux.privileged else spec.process.capabilities
            spec.process.capabilities = change(base, added, dropped, ours)

    def inside(self, kernel: Kernel, run: Run) -> None:
        """Drop them. What seccomp still needs goes with the exec, since the bounding set lacks it.

        A process of another user keeps nothing now, and the exec gives it nothing: as in Docker.
        """
        names = run.spec.process.capabilities
        _, held, _ = kernel.capget()
        keep = mask(DEFAULT_CAPABILITIES if names is None else names) & held
        now = 0 if kernel.geteuid() else keep
        if "seccomp" in (run.spec.stages or ()) and not run.spec.process.no_new_privs:
            now |= 1 << CAP_SYS_ADMIN & held  # else the kernel takes no filter from us
        self.drop_capabilities(kernel, keep, now)

    @staticmethod
    def drop_capabilities(kernel: Kernel, keep: int, now: int) -> None:
        """Let no program that is started from here on have a capability outside `keep`.

        `keep` and `now` are masks: bit n is capability n. An exec by uid 0 gives all of the
        bounding set back, so the bounding set decides; `now` is what this process has until
        then. The inheritable set gets empty, and the ambient one with it. capabilities(7)
        """
        for number in range(len(CAPABILITIES)):
            if not keep >> number & 1:
                kernel.prctl(PR_CAPBSET_DROP, number)
        kernel.capset(now, now, 0)


def change(base: list[str], added: list[str], dropped: list[str], held: list[str]) -> list[str]:
    """Apply --cap-add and --cap-drop as Docker does: ALL first, then single names; drop wins.

    One that this process itself has not cannot be given: UsageError.
    """
    names = set(base)
    if "ALL" in dropped:
        names = set()
    if "ALL" in added:
        names = set(held)
    for name in added:
        if name != "ALL" and name not in held:
            raise UsageError(
                f"--cap-add {name}: minidocker has not that capability itself, and cannot give it",
                "minidocker doctor   (or leave it out)",
            )
    names = (names | set(added)) - set(dropped) - {"ALL"}
    return [name for name in CAPABILITIES if name in names]


def held() -> list[str]:
    """Name the capabilities that this process has itself, and so can hand on."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as stream:
        line = next(line for line in stream if line.startswith("CapPrm:"))
    bits = int(line.split()[1], 16)
    return [name for number, name in enumerate(CAPABILITIES) if bits >> number & 1]
