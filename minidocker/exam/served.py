"""Served: words of ours that call a learner's function with --mine: commit, build and others.

Such a function has no hole: Podman, our builder and the store need the reference beside it. It is
called in a process of its own, and noted by the one that calls. So what is said here is less than
of a wall: it was called, and what the word made is right.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Protocol

from minidocker.exam import inside
from minidocker.exam.asked import Asked
from minidocker.exam.yard import OPT, STORE, Yard

OWN = f"{OPT}/bin/minidocker"
WAITS = 'trap "exit {code}" TERM; while :; do sleep 0.05; done'


class Examiner(Protocol):
    """What a word needs of an exam."""

    yard: Yard

    def must(self, words: list[str], status: int = 0, out: str | None = None) -> None:
        """Run a command that has to end so, and to say this."""

    def word(self) -> str:
        """Draw a word."""


def by_import(exam: Examiner) -> None:
    """A tar becomes an image, and a container of it has the file."""
    word = changed(exam, "imported-from")
    exam.must([OWN, "export", "imported-from", "-o", f"{STORE}/imported.tar"])
    exam.must([OWN, "import", "--mine", f"{STORE}/imported.tar", "imported"])
    exam.must([OWN, "run", "--rm", "--mine", "imported", "cat", "/word"], out=f"{word}\n")


def by_commit(exam: Examiner) -> None:
    """A container's changes become a layer, and a container of that has the file."""
    word = changed(exam, "committed-from")
    exam.must([OWN, "commit", "--mine", "committed-from", "committed"])
    exam.must([OWN, "run", "--rm", "--mine", "committed", "cat", "/word"], out=f"{word}\n")


def by_build(exam: Examiner) -> None:
    """A Dockerfile becomes an image, twice; the second time from the cache."""
    for _ in range(2):
        exam.must([OWN, "build", "--mine", "-t", "built", f"{OPT}/copying"])
    exam.must([OWN, "run", "--rm", "--mine", "built"], out="42\n")


def by_ps(exam: Examiner) -> None:
    """One that runs is listed, one that has ended is not."""
    changed(exam, "ended")
    exam.must([OWN, "run", "-d", "--mine", "--name", "lives", "base", "sleep", "100"])
    exam.must([OWN, "ps", "--mine", "--format", "{{.Names}}"], out="lives\n")
    exam.must([OWN, "rm", "-f", "lives"])


def by_stop(exam: Examiner) -> None:
    """One that hears SIGTERM ends as it wishes."""
    command = ["base", "sh", "-c", WAITS.format(code=17)]
    exam.must([OWN, "run", "-d", "--mine", "--name", "stopped", *command])
    exam.must([OWN, "stop", "--mine", "stopped"])
    exam.must([OWN, "wait", "stopped"], out="17\n")


WORDS: dict[str, Callable[[Examiner], None]] = {
    "import": by_import, "commit": by_commit, "build": by_build, "ps": by_ps, "stop": by_stop,
}  # fmt: skip


def changed(exam: Examiner, name: str) -> str:
    """Leave a container that has written a drawn word; return the word."""
    word = exam.word()
    script = f"echo {word} > /word"
    exam.must([OWN, "run", "--mine", "--name", name, "base", "sh", "-c", script])
    return word


def asked_of(word: str, yours: list[Asked]) -> list[Asked]:
    """Return the functions that serve a word."""
    return [one for one in yours if word in one.serves]


def noted(yard: Yard) -> set[str]:
    """Return the names of the functions that were noted as called."""
    found = set()
    for line in inside.run(yard, ["busybox", "cat", f"{STORE}/minidocker/used"]).out.splitlines():
        try:
            found.add(str(json.loads(line)["function"]))
        except (ValueError, KeyError, TypeError, RecursionError):
            continue  # it lies in the room: anybody there may have written it
    return found
