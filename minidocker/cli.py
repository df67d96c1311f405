"""The command line: which module answers which word. Thin, and quick for `run`."""

from __future__ import annotations

import os
import sys

from minidocker.errors import MinidockerError


def main(argv: list[str]) -> int:
    """Run one command; print one sentence and a remedy for what goes wrong; exit status."""
    word, rest = (argv[0], argv[1:]) if argv else ("", [])
    try:
        open_standard_descriptors()
        status = dispatch(word, rest)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # who read our output has gone, as `head` does
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)  # or the interpreter's own last flush would complain
        os.dup2(nowhere, 2)
        return 141
    except (MinidockerError, OSError, ImportError) as problem:
        if os.environ.get("MINIDOCKER_DEBUG") and isinstance(problem, OSError):
            raise
        return tell(problem, word, rest)
    except AttributeError as problem:
        # A package whose stat(2) fails is none for Python, and an empty module comes in its place.
        if getattr(problem.obj, "__file__", "") is not None:
            raise
        return tell(ImportError(str(problem)), word, rest)
    except KeyboardInterrupt:
        return 130


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


def tell(problem: Exception, word: str, rest: list[str]) -> int:
    """Print what went wrong; return the exit status."""
    try:
        from minidocker.verbs import failed
    except (OSError, ImportError):  # no file can be opened any more
        sys.stderr.write(f"minidocker: {problem}\n")
        return int(getattr(problem, "status", 125))
    return failed.tell(problem, word, rest)


def dispatch(word: str, rest: list[str]) -> int:
    """Hand the arguments to the module that knows the word."""
    if word == "help" and rest:
        return dispatch(rest[0], ["--help"])
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
    if word == "oci":  # three times a container of Podman's
        from minidocker.verbs.oci import main as oci

        return oci(rest)
    from minidocker.verbs.words import MODULES

    name = MODULES.get(word) if word else "verbs.status"
    if not name:
        from minidocker.verbs.failed import unknown

        raise unknown(word)
    module = __import__(f"minidocker.{name}", fromlist=["main"])  # importlib would cost `run` 1 ms
    return int(module.main(rest))
