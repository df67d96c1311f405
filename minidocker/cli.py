"""The command line: which room answers which word. Thin, and quick for `run`."""

from __future__ import annotations

import os
import sys

from minidocker.errors import MinidockerError, UsageError

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
    from minidocker.runtime.explain import Teller

GRADER = ("grade", "hint", "borrow", "progress", "reset", "watch")
HELP = """\
minidocker: learn what a container is by building one.

  minidocker                     where you are in the course, and what comes next

the runtime
  run [OPTIONS] IMAGE COMMAND    run a command in a container      (run --help)
  ps [-a]                        list containers; -a also those that have ended
  diff CONTAINER                 what a container added, changed and deleted
  commit CONTAINER NAME[:TAG]    make an image of a container that has ended
  stats [CONTAINER…]             a live table of what containers use
  xray PID|NAME                  what a process shares with you, and what it does not
  escapes [--only NAME]          known ways out of a container, and what stops each
  rm NAME…                       remove containers that have ended
  image ls|build-base|import|rm|history                            (image --help)
  network create|ls|rm|inspect|prune   networks for --network  (network --help)
  prune                          remove what ended or crashed runs left, and nothing else

the course
  grade [LESSON]                 check your exercises on the real kernel
  hint [LESSON]                  the next hint for what failed last
  borrow FUNCTION                take our version of one function, for no points
  progress, watch, reset LESSON  your record; grade at each save; start a file again

the machine
  doctor [--json]                what works here, and the line that fixes what does not
  vm up|ssh|run|status|down      a lab machine of its own, under QEMU   (vm --help)
  bench                          compare with runc, crun and Podman, measured here

Each has --help. Exit status: 2 for a wrong command line, 125 when minidocker itself fails.
"""


def main(argv: list[str]) -> int:
    """Run one command; print one sentence and a remedy for what goes wrong; exit status."""
    word, rest = (argv[0], argv[1:]) if argv else ("", [])
    try:
        status = run(rest) if word == "run" else dispatch(word, rest)
        sys.stdout.flush()
        return status
    except MinidockerError as problem:
        complain(problem)
        return 2 if isinstance(problem, UsageError) and word != "run" else problem.status
    except BrokenPipeError:  # who read our output has gone, as `head` does
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)  # or the interpreter's own last flush would complain
        os.dup2(nowhere, 2)
        return 141
    except OSError as problem:
        # Nothing below should let one through; if it does, its own words say more than a traceback.
        if os.environ.get("MINIDOCKER_DEBUG"):
            raise
        complain(unforeseen(problem))
        return 125
    except KeyboardInterrupt:
        return 130


def unforeseen(problem: OSError) -> MinidockerError:
    """Make a sentence of an error that nothing else has put into words."""
    if not os.stat(".").st_nlink:
        return MinidockerError("the directory that you are in has been removed", "cd /")
    return MinidockerError(str(problem), getattr(problem, "remedy", "") or "minidocker doctor")


def complain(problem: MinidockerError) -> None:
    """Print the sentence, what to try, and for a learner's function its own frames."""
    sys.stdout.flush()
    trace = getattr(problem, "trace", "")
    remedy = f"\n  try: {problem.remedy}" if problem.remedy else ""
    sys.stderr.write(f"{trace}minidocker: {problem.message}{remedy}\n")


def dispatch(word: str, rest: list[str]) -> int:
    """Hand the arguments to the room that knows the word."""
    if word in GRADER or not word:
        from minidocker.verbs import grade as grader

        return grader.main([word or "status", *rest])
    if word in ("image", "commit", "diff"):
        return with_owners(word, rest)
    if word == "doctor":
        from minidocker.doctor import doctor

        return doctor.main(rest)
    if word == "vm":
        from minidocker.verbs import vm

        return vm.main(rest)
    if word == "bench":
        from minidocker import bench

        return bench.main(rest)
    if word in ("ps", "rm", "prune"):
        from minidocker.verbs import ps as engine

        return engine.main([word, *rest])
    if word == "network":
        from minidocker.verbs import network

        return network.main(rest)
    if word == "stats":
        from minidocker.verbs import stats

        return stats.main(rest)
    if word == "xray":
        from minidocker.verbs import xray

        return xray.main(rest)
    if word == "escapes":
        from minidocker.verbs import escapes

        return escapes.main(rest)
    if word in ("help", "--help", "-h"):
        print(HELP, end="")
        return 0
    if word in ("version", "--version", "-v"):
        from minidocker import __version__

        print(f"minidocker {__version__}")
        return 0
    raise UsageError(f"minidocker has no command {word}", "minidocker --help")


def with_owners(word: str, rest: list[str]) -> int:
    """Run a command that reads or writes files of many owners; an ordinary user as root inside."""

    def work() -> int:
        if word == "image":
            from minidocker.verbs import image as images

            return images.main(rest)
        from minidocker.verbs import commit

        return commit.main([word, *rest])

    if sys.platform != "linux" or not os.geteuid():
        return work()
    from minidocker.images.store.store import default_root
    from minidocker.runtime import rootless

    os.environ["MINIDOCKER_ROOT"] = default_root()  # which depends on who asks
    return rootless.as_root(work) if rootless.wanted() else work()


def run(argv: list[str]) -> int:
    """`minidocker run`: from the words to an exit status."""
    from minidocker.images.store.store import Store
    from minidocker.plan import from_options, options

    open_standard_descriptors()
    found, words = options.parse(argv)
    if "help" in found:
        print(options.help_parser().format_help(), end="")
        return 0
    if "on" in found:
        from minidocker.vm import remote

        return remote.run(str(found["on"]), bool(found.get("fresh")), argv, words)
    if found.get("fresh"):
        raise UsageError("--fresh is for the lab machine", "--on vm --fresh")
    if "dry-run" in found:
        return dry_run(found, words)
    if sys.platform != "linux":
        raise MinidockerError("containers need Linux", "vagrant up   (or: run --dry-run)")
    store = Store()
    if warning := from_options.warn_outside_the_lab(found, store):
        sys.stderr.write(f"minidocker: {warning}\n")
    from minidocker.kernel.linux import Linux
    from minidocker.runtime import state
    from minidocker.runtime.host import Host

    kernel: Kernel = Linux()
    if found.get("init") and not os.geteuid():
        from minidocker.runtime import readonly

        readonly.ensure(kernel)
    with store.hold():  # nobody removes the image between our look and our record
        spec, stages = from_options.plan(found, words, store)
        check_terminal(found)
        record, lock = state.create(store.root, spec)
    teller = None
    if found.get("explain"):
        kernel, teller = told(kernel)
    status = Host(record, [stage() for stage in stages], kernel, lock, teller).run()
    if hint := quiet_shell(found, spec.process.args, status):
        sys.stderr.write(hint)
    return status


def open_standard_descriptors() -> None:
    """Put /dev/null where 0, 1 or 2 is closed: else a file of ours would get that number."""
    while True:
        fd = os.open(os.devnull, os.O_RDWR)
        if fd > 2:
            os.close(fd)
            break
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))


def dry_run(found: dict[str, object], words: list[str]) -> int:
    """Tell every step of a run, and do none of them."""
    from minidocker.images.store.store import Store
    from minidocker.kernel.trace import Pretend
    from minidocker.plan import from_options
    from minidocker.runtime.rehearsal import invented, rehearse

    store = Store()
    spec, stages = from_options.plan(found, words, store, touch=False)
    kernel, teller = told(Pretend(invented(spec.process.user)))
    rehearse(spec, [stage() for stage in stages], kernel, teller, store.root)
    return 0


def told(kernel: Kernel) -> tuple[Kernel, Teller]:
    """Wrap a kernel so that each call is printed."""
    from minidocker.kernel.trace import Traced
    from minidocker.runtime.explain import Teller
    from minidocker.verbs.explain import Printer

    teller = Teller(Printer().show)
    return Traced(kernel, teller), teller


def check_terminal(found: dict[str, object]) -> None:
    """Refuse -it when standard input is no terminal, as Docker does."""
    if found.get("tty") and found.get("interactive") and not os.isatty(0):
        raise UsageError("standard input is not a terminal, and -it wants one", "use -i alone")


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
