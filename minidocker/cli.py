"""The command line: which module answers which word. Thin, and quick for `run`."""

from __future__ import annotations

import os
import sys
from errno import EDQUOT, ENOSPC

from minidocker.errors import Blocked, Conflict, KernelError, MinidockerError, NotFound, UsageError


def main(argv: list[str]) -> int:
    """Run one command; print one sentence and a remedy for what goes wrong; exit status."""
    word, rest = (argv[0], argv[1:]) if argv else ("", [])
    try:
        status = dispatch(word, rest)
        sys.stdout.flush()
        return status
    except MinidockerError as problem:
        complain(problem)
        return status_of(problem, word, rest)
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
    except ImportError as problem:
        complain(MinidockerError(f"open(2) of a module of Python's fails: {problem}", "make setup"))
        return 125
    except KeyboardInterrupt:
        return 130


def status_of(problem: MinidockerError, word: str, rest: list[str]) -> int:
    """Return the exit status of a command that has failed.

    Docker's is 125 for `run` and `create`, and 1 for its other words, unless an error says another.
    """
    first = next((one for one in rest if not one.startswith("-")), "")
    asked = first if word == "container" else word
    if asked in ("run", "create"):
        return problem.status
    if isinstance(problem, UsageError):
        return 2 if problem.status == 125 else problem.status
    if isinstance(problem, NotFound | Conflict | Blocked):
        return 1 if problem.status == 125 else problem.status
    return problem.status


def unforeseen(problem: OSError) -> MinidockerError:
    """Make a sentence of an error that nothing else has put into words."""
    if not os.stat(".").st_nlink:
        return MinidockerError("the directory that you are in has been removed", "cd /")
    words = str(problem) if isinstance(problem, KernelError) else f"{call_of(problem)}: {problem}"
    full = "minidocker prune   (the disk is full)" if problem.errno in (ENOSPC, EDQUOT) else ""
    return MinidockerError(words, full or getattr(problem, "remedy", "") or "minidocker doctor")


def call_of(problem: OSError) -> str:
    """Say which call it was that failed, from the line of ours that made it: "flock(2)"."""
    from traceback import extract_tb

    frame = extract_tb(problem.__traceback__)[-1]
    if "importlib" in frame.filename:
        return "open(2) of a module of Python's"
    words = (frame.line or "").split("(")
    return f"{words[-2].split('.')[-1].split()[-1]}(2)" if len(words) > 1 else frame.name


def complain(problem: MinidockerError) -> None:
    """Print the sentence, what to try with Docker's words for it, and a learner's own frames."""
    sys.stdout.flush()
    trace = getattr(problem, "trace", "")
    remedy = f"\n  try: {problem.remedy}" if problem.remedy else ""
    docker = f"   (Docker says: {problem.docker})" if problem.docker else ""
    said = f"minidocker: {problem.message}{remedy}{docker}"
    # A stranger's text, such as an image's command, may steer a terminal.
    if not said.replace("\n", "").replace("\t", "").isprintable():
        from minidocker.images.store.files import escaped

        said = escaped(said)
    sys.stderr.write(f"{trace}{said}\n")


def dispatch(word: str, rest: list[str]) -> int:
    """Hand the arguments to the module that knows the word."""
    if word in ("help", "--help", "-h"):
        from minidocker.verbs.words import help_text

        print(help_text())
        return 0
    if word in ("--version", "-v"):
        from minidocker import __version__

        print(f"minidocker {__version__}")
        return 0
    if word == "completion":  # it completes this very table
        from minidocker.verbs import completion
        from minidocker.verbs.words import WORDS

        return completion.main(rest, WORDS)
    if word == "run":  # which is in a hurry, and needs no table
        from minidocker.verbs.run import main as run

        return run(rest)
    from minidocker.verbs.words import MODULES

    name = MODULES.get(word) if word else "verbs.status"
    if not name:
        raise UsageError(f"minidocker has no command {word}", "minidocker --help")
    module = __import__(f"minidocker.{name}", fromlist=["main"])  # importlib would cost `run` 1 ms
    return int(module.main(rest))
