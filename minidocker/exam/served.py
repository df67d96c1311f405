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
from minidocker.exam.partners import Podman
from minidocker.exam.yard import OPT, STORE, Yard

OWN = f"{OPT}/bin/minidocker"
PORT = 5000  # in the room's own network
WAITS = 'trap "exit {code}" TERM; while :; do sleep 0.05; done'


class Examiner(Protocol):
    """What a word needs of an exam."""

    yard: Yard
    partner: Podman

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


def by_oci(exam: Examiner) -> None:
    """The partner lets a container go that waits behind its walls."""
    word = exam.word()
    exam.must(exam.partner.words("run", "--rm", "base", "echo", word), out=f"{word}\n")


def by_run(exam: Examiner) -> None:
    """One that fails is started twice again, with a log of all three; a second joins another."""
    word, other = exam.word(), exam.word()
    words = ["run", "-d", "--mine", "--network", "none"]
    script = f"echo {word}; exit 3"
    again = ["--restart", "on-failure:2", "--name", "again", "base", "sh", "-c", script]
    exam.must([OWN, *words, *again])
    wait = f'until [ "$({OWN} logs again | busybox wc -l)" = 3 ]; do busybox sleep 0.2; done'
    exam.must(["busybox", "timeout", "60", "sh", "-c", wait])
    exam.must([OWN, "wait", "again"], out="3\n")
    exam.must([OWN, "logs", "again"], out=f"{word}\n" * 3)
    serve = f"while :; do echo {other} | nc -l -p 80; done"
    exam.must([OWN, *words, "--name", "first-of-two", "base", "sh", "-c", serve])
    ask = "until nc 127.0.0.1 80; do sleep 0.1; done"
    second = ["run", "--rm", "--mine", "--network", "container:first-of-two", "base"]
    exam.must([OWN, *second, "timeout", "60", "sh", "-c", ask], out=f"{other}\n")
    exam.must([OWN, "rm", "-f", "first-of-two", "again"])


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


def by_exec(exam: Examiner) -> None:
    """One more command in a container that runs; its words and its status come out."""
    word = exam.word()
    exam.must([OWN, "run", "-d", "--mine", "--name", "entered", "base", "sleep", "100"])
    script = f"echo {word}; exit 23"
    exam.must([OWN, "exec", "--mine", "entered", "sh", "-c", script], 23, out=f"{word}\n")
    exam.must([OWN, "rm", "-f", "entered"])


def by_blame(exam: Examiner) -> None:
    """A layer is to blame for a file that there is, and none for one that never was."""
    changed(exam, "blamed-from")
    exam.must([OWN, "commit", "blamed-from", "blamed"])
    exam.must([OWN, "image", "blame", "--mine", "blamed", "/word"])
    none = "no layer of blamed has ever had /nothing\n"
    exam.must([OWN, "image", "blame", "--mine", "blamed", "/nothing"], 1, out=none)


def by_pull(exam: Examiner) -> None:
    """An image goes to a registry of the room's own, signed, and comes back."""
    word = changed(exam, "pushed-from")
    name, key = f"127.0.0.1:{PORT}/lab/pushed", f"{STORE}/key.pem"
    serve = f"{OWN} registry serve --port {PORT} >/dev/null 2>&1 </dev/null &"
    exam.must(["sh", "-c", f"cd {STORE}; busybox setsid {serve}"])
    exam.must(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key])
    exam.must(["openssl", "ec", "-in", key, "-pubout", "-out", f"{key}.pub"])
    exam.must([OWN, "commit", "pushed-from", name])
    exam.must(["sh", "-c", f"for i in 1 2 3 4 5 6 7 8 9; do {OWN} push -q --sign {key} {name} "
               "&& exit 0; busybox sleep 1; done; exit 1"])  # fmt: skip
    exam.must([OWN, "rmi", name])
    exam.must([OWN, "pull", "-q", "--mine", "--verify", f"{key}.pub", name])
    exam.must([OWN, "run", "--rm", "--mine", name, "cat", "/word"], out=f"{word}\n")


def by_check(exam: Examiner) -> None:
    """The store is whole, after all that was done with it."""
    exam.must([OWN, "image", "check", "--mine"])


WORDS: dict[str, Callable[[Examiner], None]] = {
    "import": by_import, "commit": by_commit, "build": by_build, "blame": by_blame,
    "pull": by_pull, "check": by_check, "run": by_run, "oci": by_oci, "ps": by_ps, "exec": by_exec,
    "stop": by_stop,
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
