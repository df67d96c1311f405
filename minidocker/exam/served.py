"""Served: words of ours that call a learner's function with --mine: commit, build and others.

Such a function has no hole: Podman, our builder and the store need the reference beside it. It is
called in a process of its own, and noted by the one that calls. So what is said here is less than
of a wall: it was called, and what the word made is right.
"""

from __future__ import annotations

import json
import os
import platform
import random
import sys
from collections.abc import Callable
from typing import Any, Protocol

from minidocker.exam import inside
from minidocker.exam.asked import Asked
from minidocker.exam.looks import Wrong
from minidocker.exam.partners import Podman
from minidocker.exam.yard import OPT, STORE, Yard

OWN = f"{OPT}/bin/minidocker"
OCI = (f"{OPT}/bin/minidocker-runtime", "--root", f"{STORE}/oci")
BUNDLE = f"{STORE}/bundle"
PYTHON = os.path.realpath(sys.executable)
HERE = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}.get(platform.machine(), "linux/other")
PORT = 5000  # in the room's own network
KINDS = ("ipc", "mount", "network", "pid", "uts")  # what lesson 15 asks for; cgroup may be there
SETS = {"bounding", "effective", "permitted"}
WAITS = 'trap "exit {code}" TERM; while :; do sleep 0.05; done'


class Examiner(Protocol):
    """What a word needs of an exam."""

    yard: Yard
    partner: Podman
    yours: list[Asked]
    chance: random.Random

    def must(
        self, words: list[str], status: int = 0, out: str | None = None, given: str = ""
    ) -> None:
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
    """The partner lets a container go that waits behind its walls; then each verb by hand."""
    word = exam.word()
    exam.must(exam.partner.words("run", "--rm", "base", "echo", word), out=f"{word}\n")
    changed(exam, "bundled-from")
    exam.must([OWN, "export", "bundled-from", "-o", f"{BUNDLE}.tar"])
    exam.must(["busybox", "mkdir", "-p", f"{BUNDLE}/rootfs"])
    exam.must(["busybox", "tar", "-x", "-f", f"{BUNDLE}.tar", "-C", f"{BUNDLE}/rootfs"])
    exam.must([*OCI, "spec", "--bundle", BUNDLE])
    written = inside.run(exam.yard, ["busybox", "cat", f"{BUNDLE}/config.json"]).out
    config = right_spec(written) if serves(exam, "spec_of") else json.loads(written)
    config["process"].update(args=["sleep", "100"], terminal=False)
    config["linux"].pop("resources", None)  # the exam's room has no cgroup
    shared = exam.chance.sample(("network", "ipc"), exam.chance.randrange(3))
    own = [one for one in config["linux"]["namespaces"] if one["type"] not in shared]
    config["linux"]["namespaces"] = own
    exam.must(["sh", "-c", f"busybox cat > {BUNDLE}/config.json"], given=json.dumps(config))
    said = inside.run(exam.yard, [*OCI, "create", "--bundle", BUNDLE, "box"])
    told = f"your holes sees in this bundle: {', '.join(sorted(shared)) or 'none'}\n"
    if serves(exam, "holes") and not said.status and told not in said.err:
        raise Wrong(f"lesson 15: holes: not {told.strip()!r}, but {said.err[-300:].strip()!r}")
    exam.must([*OCI, "state", "box"])
    exam.must([*OCI, "start", "box"])
    exam.must([*OCI, "state", "box"])
    exam.must([*OCI, "kill", "box", "KILL"])
    ended = f"until {' '.join(OCI)} delete box; do busybox sleep 0.2; done"
    exam.must(["busybox", "timeout", "60", "sh", "-c", ended])


def right_spec(text: str) -> dict[str, Any]:
    """Return the config.json that a learner's spec_of has written, looked at; or say what is wrong.

    The text comes from the room: it may be anything.
    """
    try:
        config: dict[str, Any] = json.loads(text)
        kinds = [str(one["type"]) for one in config["linux"]["namespaces"]]
        sets = dict(config["process"]["capabilities"])
        memory = config["linux"]["resources"]["memory"]
        same = memory["limit"] == memory["swap"]
    except (ValueError, LookupError, TypeError, RecursionError) as problem:
        raise Wrong(f"lesson 15: spec_of: its config.json lacks something: {problem!r}") from None
    if sorted({*kinds, "cgroup"}) != sorted({*KINDS, "cgroup"}) or len(kinds) > len(set(kinds)):
        raise Wrong(f"lesson 15: spec_of: the namespaces are {kinds}")
    if {name for name, kept in sets.items() if kept or name in SETS} != SETS:
        raise Wrong(f"lesson 15: spec_of: the sets of capabilities are {sorted(sets)}")
    if not same:
        raise Wrong(f"lesson 15: spec_of: the memory is {memory}")
    return config


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
    unanswered(exam)
    serve = f"while :; do echo {other} | nc -l -p 80; done"
    exam.must([OWN, *words, "--name", "first-of-two", "base", "sh", "-c", serve])
    ask = "until nc 127.0.0.1 80; do sleep 0.1; done"
    second = ["run", "--rm", "--mine", "--network", "container:first-of-two", "base"]
    exam.must([OWN, *second, "timeout", "60", "sh", "-c", ask], out=f"{other}\n")
    exam.must([OWN, "rm", "-f", "first-of-two", "again"])


def unanswered(exam: Examiner) -> None:
    """Refuse a run in which theirs gave no answer, so that ours served: its record says so."""
    look = ["busybox", "grep", "-rho", '"own wrong": "your [^"]*', f"{STORE}/minidocker/containers"]
    for line in inside.run(exam.yard, look).out.splitlines():
        for one in exam.yours:
            if f": \"your {one.name} " in line:
                raise Wrong(f"lesson {one.number}: {one.name}: {line.partition('.py: ')[2]}")


def by_ps(exam: Examiner) -> None:
    """One that runs is listed, one that has ended is not."""
    changed(exam, "ended")
    exam.must([OWN, "run", "-d", "--mine", "--name", "lives", "base", "sleep", "100"])
    exam.must([OWN, "ps", "--mine", "--format", "{{.Names}}"], out="lives\n")
    said = inside.run(exam.yard, [OWN, "ps", "-a", "--mine", "--format", "{{.Names}}: {{.Status}}"])
    if other := next((one for one in said.out.splitlines() if "your status_of" in one), ""):
        raise Wrong(f"lesson 14: status_of: {other}")
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
    exam.must([OWN, "commit", "pushed-from", f"{name}:here"])
    other = changed(exam, "for-another")
    exam.must([OWN, "commit", "for-another", f"{name}:other"])
    exam.must([OWN, "push", "-q", f"{name}:here"])
    exam.must([OWN, "push", "-q", f"{name}:other"])
    exam.must([PYTHON, f"{OPT}/index.py", f"127.0.0.1:{PORT}", "lab/pushed",
               "linux/riscv64=other", f"{HERE}=here", "linux/s390x=other"])  # fmt: skip
    exam.must([OWN, "pull", "-q", "--mine", f"{name}:all"])
    said = inside.run(exam.yard, [OWN, "run", "--rm", "--mine", f"{name}:all", "cat", "/word"]).out
    if said == f"{other}\n" and serves(exam, "choose"):
        raise Wrong("lesson 13: choose: the image that came is another machine's")
    exam.must([OWN, "run", "--rm", "--mine", f"{name}:all", "cat", "/word"], out=f"{word}\n")


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


def serves(exam: Examiner, name: str) -> bool:
    """Say whether a function is the learner's."""
    return any(one.name == name for one in exam.yours)


def asked_of(word: str, yours: list[Asked]) -> list[Asked]:
    """Return the functions that serve a word."""
    return [one for one in yours if word in one.serves]


def noted(yard: Yard) -> list[str]:
    """Return the names of the functions that were noted as called, in that order."""
    found = []
    for line in inside.run(yard, ["busybox", "cat", f"{STORE}/minidocker/used"]).out.splitlines():
        try:
            found.append(str(json.loads(line)["function"]))
        except (ValueError, KeyError, TypeError, RecursionError):
            continue  # it lies in the room: anybody there may have written it
    return found


def by_name(problem: str, mine: list[Asked], called: list[str]) -> str:
    """Return a failure with a name: where nothing else names one, whose call was the last."""
    if problem.startswith("lesson "):
        return problem
    known = {one.name: one for one in mine}
    last = next((known[name] for name in reversed(called) if name in known), None)
    return f"lesson {last.number}: {last.name}, called last: {problem}" if last else problem
