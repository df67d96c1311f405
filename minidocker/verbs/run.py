"""`minidocker run`: from the words to an exit status. Each start pays for each import here."""

from __future__ import annotations

import os
import sys

from minidocker.errors import MinidockerError, NoImage, UsageError

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.images.store.store import Store
    from minidocker.kernel.interface import Kernel
    from minidocker.runtime.explain import Teller
    from minidocker.spec.spec import Run, Spec
    from minidocker.stages.base import Stage


def main(argv: list[str]) -> int:
    """`minidocker run`: from the words to an exit status."""
    from minidocker.images.store.store import Store
    from minidocker.plan import options

    found, words = options.parse(argv)
    if "help" in found:
        from minidocker.plan.help import help_parser

        print(help_parser().format_help(), end="")
        return 0
    if "on" in found:
        from minidocker.vm import remote

        return remote.run(str(found["on"]), bool(found.get("fresh")), argv, words)
    if found.get("fresh"):
        raise UsageError("--fresh is for the lab machine", "--on vm --fresh")
    if "dry-run" in found:
        from minidocker.verbs import rehearse

        return rehearse.main(found, words, told)
    if sys.platform != "linux":
        raise MinidockerError("containers need Linux", "vagrant up   (or: run --dry-run)")
    store = Store()
    if found.get("mine"):
        from minidocker.plan import learner

        sys.stderr.write(learner.warning_outside_the_lab(store))
    from minidocker.kernel.linux import Linux
    from minidocker.runtime.host import Host

    streams: list[str] = []
    if found.get("attach"):
        from minidocker.spec import attached

        streams = attached.chosen(found)
    keys = b""
    if "detach-keys" in found:
        from minidocker.verbs import leavable

        check_terminal(found)
        keys = leavable.keys_of(found)
    if found.get("detach"):
        from minidocker.engine import alone
    kernel: Kernel = Linux()
    if found.get("init") or str(found.get("pid", "")).startswith("container:"):
        from minidocker.plan import caller
        from minidocker.runtime import readonly  # others will see us in their /proc

        readonly.ensure(kernel, caller.named(found))
    if found.get("pull") or found.get("platform"):
        from minidocker.verbs import bringing

        bringing.asked_for(found, words)
    try:
        spec, stages, record, lock = begin(found, words, store)
    except NoImage as problem:
        from minidocker.verbs import bringing

        bringing.missing(found, problem)
        spec, stages, record, lock = begin(found, words, store)
    if found.get("mine"):
        record.own = learner.beside(spec, bool(found.get("unsafe")))
    teller = None
    if found.get("explain"):
        kernel, teller = told(kernel)
    if spec.detached:
        alone.start(record, [stage() for stage in stages], kernel, lock, teller)
        if keys:
            return leavable.join(store.root, spec.id, keys)
        print(spec.id)
        return 0
    heard = None
    if streams or not spec.remove:
        from minidocker.engine import overheard

        try:
            own = any(stage.origin for stage in stages)
            heard = overheard.of(record, own, streams)
        except (OSError, UsageError):
            discard(record, lock)
            raise
    if streams == ["stdin"]:
        print(spec.id, flush=True)  # as in Docker: else its caller would know nothing of it
    made = [stage() for stage in stages]
    status = Host(record, made, kernel, lock, teller, heard).foreground()
    if hint := quiet_shell(found, spec.process.args, status):
        sys.stderr.write(hint)
    return status


def begin(
    found: dict[str, object], words: list[str], store: Store
) -> tuple[Spec, list[type[Stage]], Run, int]:
    """Plan the run and write its record; NoImage where the store lacks the image."""
    from minidocker.plan import from_options

    with store.hold():  # nobody removes the image between our look and our record
        spec, stages = from_options.plan(found, words, store)
        check_terminal(found)
        return spec, stages, *created(found, store.root, spec)


def created(found: dict[str, object], root: str, spec: Spec) -> tuple[Run, int]:
    """Make the container's record, and the file that --cidfile asks for."""
    from minidocker.runtime import state

    if not found.get("cidfile"):
        return state.create(root, spec)
    from minidocker.plan.notes import CidFile

    file = CidFile(str(found["cidfile"]))
    try:
        record, lock = state.create(root, spec)
    except BaseException:
        file.remove()
        raise
    file.write(spec.id)
    return record, lock


def discard(record: Run, lock: int) -> None:
    """Remove a container that could not be begun."""
    from minidocker.runtime import state

    state.discard(record)
    os.close(lock)


def told(kernel: Kernel) -> tuple[Kernel, Teller]:
    """Wrap a kernel so that each call is printed."""
    from minidocker.kernel.trace import Traced
    from minidocker.runtime.explain import Teller
    from minidocker.verbs.explain import Printer

    teller = Teller(Printer().show)
    return Traced(kernel, teller), teller


def check_terminal(found: dict[str, object]) -> None:
    """Refuse -it when standard input is no terminal, as Docker does."""
    together = found.get("tty") and found.get("interactive") and not found.get("detach")
    if together and not os.isatty(0):
        raise UsageError(
            "standard input is not a terminal, and -it wants one", "use -i alone", 1,
            "the input device is not a TTY",
        )  # fmt: skip


def quiet_shell(found: dict[str, object], args: list[str], status: int) -> str:
    """Say why a shell that was started without -it ended at once."""
    shell = len(args) == 1 and os.path.basename(args[0]) in ("sh", "bash", "ash", "dash", "zsh")
    if (
        shell
        and status == 0
        and os.isatty(0)
        and not (found.get("interactive") or found.get("tty"))
    ):
        return "minidocker: the shell had no input and ended; for a prompt: minidocker run -it …\n"
    return ""
