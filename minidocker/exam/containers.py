"""Containers: what the exam has Podman and minidocker do, and who is asked about each container.

Every name, number and set is drawn anew, so that no answer can be known before. A function counts
when the container that needed it came up, from a package that has a hole in its place, and when the
kernel shows what the function is for.
"""

from __future__ import annotations

import errno
import os
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from minidocker.exam import inside, looks, served
from minidocker.exam import looks_of_networks as net
from minidocker.exam import looks_of_ours as ours
from minidocker.exam.asked import Asked
from minidocker.exam.looks import Seen, Wrong
from minidocker.exam.partners import Podman
from minidocker.exam.yard import OPT, SHOWN, STORE, Yard
from minidocker.kernel import flags as f
from minidocker.proc import mounts

Look = Callable[[Seen], str]
KEPT = ("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_KILL", "CAP_SETGID", "CAP_SETUID",
        "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT")  # fmt: skip
BLAME = re.compile(r"(?:part|your) (\w+) (?:of|in) \S*?(\d\d)_\w+\.py:? ?(.*)")
IMPORT = re.compile(r"exercises/((\d\d)_\w+\.py)(.*)")

# What others stand on comes first: a root that was not changed cannot be made read-only either.
FIRST: dict[str, Look] = {
    "set_hostname": looks.host_name, "spawn": looks.number_one, "make_private": looks.private,
    "mount_proc": looks.own_proc, "pivot": looks.own_root, "loopback_up": net.loopback,
}  # fmt: skip
SHELL: dict[str, Look] = {
    "bind": looks.bound, "read_only_root": looks.read_only, "set_names": looks.host_name,
    "no_new_privileges": looks.no_new_privileges, "drop_capabilities": looks.capabilities,
    "mask_paths": looks.masks, "compile_filter": looks.filtered,
}  # fmt: skip
MAPPED: dict[str, Look] = {"write_maps": looks.mapped, "become_root": looks.is_root}
OURS: dict[str, Look] = {
    "init": ours.reaps, "make_dev": ours.small_dev, "overlay_options": ours.overlay,
    "place_etc_files": ours.etc_files, "set_boot_offset": ours.clock,
    "ipc_namespace": ours.ipc, "private_shm": ours.shm, "lease": net.address,
    "connect": net.cable, "default_route": net.route, "publish": net.published,
}  # fmt: skip
ERRNOS = (errno.EXDEV, errno.EMLINK, errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.ENOTTY)
LOOKED_AT = " (container "
NO_CGROUP = "the exam's room has no cgroup"
NOT_HERE = {
    "limits": NO_CGROUP, "make_cgroup": NO_CGROUP, "remove": NO_CGROUP,
    "map_lines": "only a run by an ordinary user calls it",
    "newuidmap_argv": "only a run by an ordinary user calls it",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """What is known of one function after the exam: whose container, and what was seen there."""

    asked: Asked
    container: str
    seen: str
    good: bool


class Failed(Exception):
    """A command did not do what it should: who is to blame, as a sentence."""


@dataclass(slots=True)
class Exam:
    """One exam: `yours` are asked about; `findings` and `failures` grow as it goes on."""

    yard: Yard
    partner: Podman
    yours: list[Asked]
    tell: Callable[[str, bool], None]
    errno: int  # that the profile of the exam gives to mkdir(2)
    findings: list[Finding] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    chance: random.Random = field(default_factory=random.SystemRandom)
    asked: dict[str, object] = field(default_factory=dict)

    def run(self) -> None:
        """Do all of it; end at the first container that does not come up."""
        word = self.partner.name.lower()
        steps = [
            (f"an image for {self.partner.name}, of this machine's busybox", self.load),
            (f"{word} run: hello", self.hello),
            (f"{word} run: a process, a root, a name by lesson 00", self.first),
            (f"{word} run: a shell behind every wall", self.shell),
            (f"{word} exec", self.exec),
            (f"{word} stop", self.stop),
            (f"{word} run, in a user namespace", self.mapped),
            (f"{word} build", self.build),
            ("minidocker run --mine", self.ours),
        ]
        for own in served.WORDS:
            if served.asked_of(own, self.yours):
                steps.append((f"minidocker {own} --mine", partial(self.serve, own)))
        for title, step in steps:
            if step == self.mapped and not self.partner.maps_users:
                continue
            before = len(self.failures)
            try:
                step()
            except (Failed, Wrong) as problem:
                self.failures.append(str(problem))
            good = len(self.failures) == before
            self.tell(title, good)
            if not good:
                return

    def room_is_whole(self) -> None:
        """Refuse to go on when something was mounted over the programs and files of the exam."""
        for one in mounts.mounts(self.yard.inner):
            if one.id not in self.yard.mounted and one.point.startswith((OPT, *SHOWN)):
                raise Failed(f"your code has mounted something over the exam's own {one.point}")

    def load(self) -> None:
        """Make the image base by our own store, and give it to the partner as a tar."""
        own = f"{OPT}/bin/minidocker"
        if why := self.partner.start(lambda words: inside.run(self.yard, words)):
            raise Failed(why)
        self.must([own, "image", "build-base"])
        self.must([own, "save", "base", "-o", f"{STORE}/base.tar"])
        self.must(self.partner.words("load", "-i", f"{STORE}/base.tar"))

    def hello(self) -> None:
        """A word, an exit status, a program that is not there; a shell that is spoken to."""
        word, code = self.word(), self.chance.randrange(3, 100)
        script = f"echo {word}; exit {code}"
        hello = self.partner.words("run", "--rm", "base", "sh", "-c", script)
        self.must(hello, code, out=f"{word}\n")
        self.must(self.partner.words("run", "--rm", "base", f"no-{word}"), 127)
        a, b = (self.chance.randrange(100, 1000) for _ in "ab")
        given = f"echo $(({a} * {b}))\nexit {code}\n"
        shell = self.partner.words("run", "--rm", "-i", "base", "sh")
        self.must(shell, code, out=f"{a * b}\n", given=given)

    def first(self) -> None:
        """A plain container; lesson 00 sets its name, since 06 has a better way from then on."""
        asked: dict[str, object] = {"hostname": self.word()}
        words = ["run", "-d", "--name", "first", "--hostname", str(asked["hostname"])]
        words += [*self.variable(asked), "base", "sleep", "100"]
        self.must(self.partner.words(*words, runtime="-first"))
        self.look("first", self.partner.name, FIRST, asked)
        self.must(self.partner.gone("first", "-first"))

    def shell(self) -> None:
        """One container behind all the walls that Podman asks a runtime for."""
        kept = self.chance.sample(KEPT, 4)
        asked: dict[str, object] = {
            "hostname": self.word(), "code": self.chance.randrange(3, 100),
            "capabilities": f.mask(kept),
        }  # fmt: skip
        self.asked = asked
        self.must(["busybox", "mkdir", "-p", f"{STORE}/share/below"])
        self.must(["busybox", "mount", "-t", "tmpfs", "below", f"{STORE}/share/below"])
        words = ["run", "-d", "--name", "shell", "--hostname", str(asked["hostname"]),
                 "--read-only", "--security-opt", "no-new-privileges", "--cap-drop", "all",
                 "--security-opt", f"seccomp={OPT}/seccomp.json",
                 "-v", f"{STORE}/share:/share:{self.partner.read_only}"]  # fmt: skip
        words += [f"--cap-add={name}" for name in kept]
        self.must(self.partner.words(*words, *self.variable(asked), "base", "sh", "-c",
                             served.WAITS.format(code=asked["code"])))  # fmt: skip
        self.look("shell", self.partner.name, SHELL, asked)

    def exec(self) -> None:
        """One more process in it, with no more rights than the first."""
        code = self.chance.randrange(3, 100)
        row = f"CapBnd:\t{self.asked['capabilities']:016x}\n"
        script = f"grep CapBnd /proc/self/status; exit {code}"
        self.must(self.partner.words("exec", "shell", "sh", "-c", script), code, out=row)
        if any(one.name == "compile_filter" for one in self.yours):
            said = inside.run(self.yard, self.partner.words("exec", "shell", "mkdir", "/run/x"))
            if os.strerror(self.errno) not in said.err:
                raise Failed(
                    f"lesson 11: compile_filter: mkdir was to be refused with "
                    f"{errno.errorcode[self.errno]}, and said {said.last_words()!r}"
                )

    def stop(self) -> None:
        """It is told to end, and ends as it wishes."""
        self.must(self.partner.words("stop", "shell"))
        self.must(self.partner.words("wait", "shell"), out=f"{self.asked['code']}\n")
        self.must(self.partner.words("rm", "shell"))

    def mapped(self) -> None:
        """A container whose root is nobody."""
        start = self.chance.randrange(1000, 30000)
        asked: dict[str, object] = {"uid_map": [[0, start, 1000]]}
        maps = [f"--{word}map=0:{start}:1000" for word in ("uid", "gid")]
        words = ["run", "-d", "--name", "mapped", *maps, *self.variable(asked)]
        self.must(self.partner.words(*words, "base", "sleep", "100"))
        self.look("mapped", self.partner.name, MAPPED, asked)
        self.must(self.partner.gone("mapped"))

    def build(self) -> None:
        """An image whose RUN is a container of the learner's."""
        self.must(self.partner.build(f"{OPT}/context"))
        self.must(self.partner.words("run", "--rm", self.partner.built), out="42\n")

    def ours(self) -> None:
        """What Podman does by itself, minidocker does with the learner's functions."""
        asked: dict[str, object] = {
            "hostname": self.word(), "boottime": self.chance.randrange(10_000, 10_000_000),
            "port": self.chance.randrange(2000, 60000), "word": self.word(),
        }  # fmt: skip
        code = self.chance.randrange(3, 100)
        serve = f"while :; do echo {asked['word']} | nc -l -p 80; done & (sleep 0.01 &); "
        words = ["run", "-d", "--mine", "--init", "--name", "ours", "--boottime-offset",
                 str(asked["boottime"]), "-p", f"{asked['port']}:80"]  # fmt: skip
        self.must([f"{OPT}/bin/minidocker", *words, *self.variable(asked), "base", "sh", "-c",
                   serve + served.WAITS.format(code=code)])  # fmt: skip
        self.look("ours", "minidocker", OURS, asked)
        self.must([f"{OPT}/bin/minidocker", "stop", "ours"])
        self.must([f"{OPT}/bin/minidocker", "wait", "ours"], out=f"{code}\n")
        self.must([f"{OPT}/bin/minidocker", "rm", "ours"])

    def serve(self, word: str) -> None:
        """A word of ours, with the learner's functions that serve it."""
        mine = served.asked_of(word, self.yours)
        try:
            served.WORDS[word](self)
        except Failed as problem:
            raise Failed(served.by_name(str(problem), mine, served.noted(self.yard))) from None
        called = served.noted(self.yard)
        for one in mine:
            if one.name in called:
                said = f"called, and what {word} did is right"
                self.findings.append(Finding(one, f"{word}, by minidocker", said, True))

    def look(self, name: str, by: str, wanted: dict[str, Look], asked: dict[str, object]) -> None:
        """Look at a container for each function of the learner's that it needed."""
        seen = looks.find(self.yard, str(asked["token"]), asked)
        for one in self.yours:
            if one.name not in wanted or one.name in {had.asked.name for had in self.findings}:
                continue
            try:
                said, good = wanted[one.name](seen), True
            except (Wrong, LookupError, OSError) as problem:
                said, good = str(problem), False
                where = f"{LOOKED_AT}{name})"
                self.failures.append(f"lesson {one.number}: {one.name}: {said}{where}")
            self.findings.append(Finding(one, f"{name}, by {by}", said, good))

    def must(
        self, words: list[str], status: int = 0, out: str | None = None, given: str = ""
    ) -> None:
        """Run a command; Failed when it ends otherwise, or says something else."""
        said = inside.run(self.yard, words, given)
        self.room_is_whole()
        if said.status != status:
            raise Failed(blamed(said, f"ended with {said.status}, not {status}", self.yours))
        if out is not None and said.out != out:
            raise Failed(blamed(said, f"said {said.out[:200]!r}, not {out!r}", self.yours))

    def variable(self, asked: dict[str, object]) -> list[str]:
        """Draw the token by which a container is found from outside."""
        asked["token"] = self.word()
        return ["-e", f"{looks.TOKEN}={asked['token']}"]

    def word(self) -> str:
        """Draw a word that nobody can know before."""
        return "x" + os.urandom(6).hex()


def blamed(said: inside.Said, what: str, yours: Sequence[Asked]) -> str:
    """Say whose function broke a command: by the runtime's words, where they name one."""
    words = said.last_words()
    if found := BLAME.search(words):
        name, number, why = found.groups()
        return f"lesson {number}: {name}: {why.strip() or 'it failed'}"
    for one in yours:
        if found := re.search(rf"\byour {one.name} (?!serves?\b|sees\b)(.*)", words):
            return f"lesson {one.number}: {one.name}: {found[1]}"
    if found := IMPORT.search(words):
        file, number, why = found.groups()
        return f"lesson {number}: {file}{why}"
    plain = " ".join(os.path.basename(said.words[0]).split())
    lines = [one for one in words.splitlines() if not one.startswith("  try: ")] or [""]
    told = next((line for line in lines if "rror" in line), lines[-1])
    return f"{plain} {' '.join(said.words[1:])[-60:]}: {what}. {told}"
