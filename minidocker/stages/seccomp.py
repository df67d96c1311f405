"""Seccomp: which system calls the kernel answers at all."""

from __future__ import annotations

from minidocker.errors import UsageError
from minidocker.kernel.flags import mask
from minidocker.seccomp.cache import filter_file
from minidocker.spec.words import LIST, Option
from minidocker.stages.base import Stage

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
    from minidocker.spec.spec import Run, Spec
    from minidocker.spec.words import Asked

UNCONFINED = "unconfined"


class Seccomp(Stage):
    """Put a filter in front of every system call of the container."""

    name = "seccomp"
    options = (
        Option("--security-opt", LIST, "OPTION", "rights",
               "no-new-privileges, seccomp=FILE|unconfined, systempaths=unconfined"),
    )  # fmt: skip
    last = True
    parts = ("compile_filter", "install_filter")
    program = b""

    @classmethod
    def plan(cls, spec: Spec, asked: Asked) -> None:
        """See that a compiled filter is there. What it allows depends on the capabilities."""
        profile = UNCONFINED if spec.linux.privileged else ""
        for text in asked.get("security-opt", ()):
            profile = security_option(text, spec) or profile
        if cls.name not in spec.stages or profile == UNCONFINED:
            return
        names = spec.process.capabilities or []
        if asked.touch:
            spec.linux.seccomp = filter_file(asked.store, names, mask(names), profile)
            if profile and "mine" in asked:
                from minidocker.seccomp.refusals import in_file

                spec.linux.refused = in_file(profile)
        else:
            spec.linux.seccomp = f"{asked.store}/seccomp/default"

    def before(self, kernel: Kernel, run: Run) -> None:
        """Read the compiled filter while its file is in reach; the plan has compiled it."""
        if not (run.spec.linux and run.spec.linux.seccomp):
            return
        if (refused := run.spec.linux.refused) and "compile_filter" in self.origin:
            self.program = self.compile_filter({int(one): refused[one] for one in refused})
        else:
            self.program = kernel.read_bytes(run.spec.linux.seccomp)

    def inside(self, kernel: Kernel, run: Run) -> None:
        """Install it. From here to the exec, we live with what it allows."""
        if run.spec.linux and run.spec.linux.seccomp:
            if "compile_filter" in self.origin and run.spec.linux.refused:
                self.told_as("compile_filter", kernel.seccomp, self.program)
            else:
                self.install_filter(kernel, self.program)

    @staticmethod
    def compile_filter(rules: dict[int, int]) -> bytes:
        """Compile a list of refusals: number of a call → errno. Every other call is allowed."""
        from minidocker.seccomp.refusals import compiled

        return compiled(rules)

    @staticmethod
    def install_filter(kernel: Kernel, program: bytes) -> None:
        """Hand the program to the kernel: it holds for this process and all that come of it.

        No later filter can allow what this one forbids: the strictest answer counts. seccomp(2)
        """
        kernel.seccomp(program)


def security_option(text: str, spec: Spec) -> str:
    """Read one --security-opt; return the seccomp profile that it names, else "".

    Docker's word for three walls: no_new_privs and masks look at the fields that are set here.
    """
    key, _, value = text.replace(":", "=", 1).partition("=")
    if key == "no-new-privileges" and value in ("", "true", "false"):
        spec.process.no_new_privs = value != "false"
    elif text in ("systempaths=unconfined", "systempaths:unconfined"):
        spec.linux.unmasked = True
    elif key == "seccomp" and value:
        return "" if value == "builtin" else value
    elif key in ("apparmor", "label"):
        if value not in ("unconfined", "disable"):  # these say what is so in any case
            what = "AppArmor" if key == "apparmor" else "SELinux"
            raise UsageError(
                f"--security-opt {text} is refused: no wall here is made of {what}",
                "leave it out",
            )
    else:
        raise UsageError(
            f"--security-opt {text!r} is not known",
            "no-new-privileges, seccomp=FILE, seccomp=unconfined, systempaths=unconfined",
            docker=f'Invalid --security-opt: "{text}"',
        )
    return ""
