"""A command that has failed: the sentence that is printed, and the exit status."""

from __future__ import annotations

import os
import sys
from errno import EDQUOT, ENOSPC

from minidocker.errors import (
    Blocked,
    Conflict,
    FlagError,
    KernelError,
    MinidockerError,
    NotFound,
    UsageError,
)
from minidocker.images.store.files import escaped
from minidocker.spec.near import nearest
from minidocker.verbs.words import MODULES, OWN

OF_A_FLAG = ("invalid argument", "unknown flag", "unknown shorthand flag", "flag needs an argument")


def tell(problem: Exception, word: str, rest: list[str]) -> int:
    """Print what went wrong, and what to try; return the exit status of the command `word`."""
    if not isinstance(problem, MinidockerError):
        # Nothing below should let one through; if it does, its own words say more than a traceback.
        complain(unforeseen(problem))
        return 125
    complain(problem)
    return status_of(problem, word, rest)


def status_of(problem: MinidockerError, word: str, rest: list[str]) -> int:
    """Return the exit status of a command that has failed, unless the error says another than 125.

    Docker's is 125 for `run`, and for an option that is none or has no such value, of any word; 1
    for all else. Words that Docker has not, such as `grade`, end with 2 for a wrong command line.
    """
    asked = next((one for one in rest if not one.startswith("-")), "")
    asked = asked if word == "container" else word
    if problem.status != 125 or asked == "run":
        return problem.status
    if isinstance(problem, UsageError):
        if word in OWN:
            return 2
        of_a_flag = isinstance(problem, FlagError) or problem.docker.startswith(OF_A_FLAG)
        return 125 if of_a_flag or asked == "create" else 1
    return 1 if isinstance(problem, NotFound | Conflict | Blocked) else 125


def unknown(word: str) -> UsageError:
    """Say that there is no such word, and which one may be meant."""
    if word.startswith("-"):
        from minidocker.verbs import parser

        said = parser.unknown(word)
        return FlagError(f"minidocker has no option {word}", "minidocker --help", docker=said)
    near = nearest(word, MODULES)
    return UsageError(
        f"minidocker has no command {word}",
        f"did you mean {near}?" if near else "minidocker --help", 1,
        f"unknown command: docker {word}",
    )  # fmt: skip


def unforeseen(problem: Exception) -> MinidockerError:
    """Make a sentence of an error that nothing else has put into words."""
    if not isinstance(problem, OSError):
        words = f"open(2) of a module of Python's fails: {problem}"
        return MinidockerError(words, "make setup")
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
        said = escaped(said)
    sys.stderr.write(f"{trace}{said}\n")
