"""One stage, step by step: each instruction does what it says to the stage's state.

    setting (ENV, CMD, …) ── the configuration alone
    COPY, ADD, WORKDIR ───── an addition ─► a layer, or its recipe
    RUN ──────────────────── a container ─► a layer, or its recipe
"""

from __future__ import annotations

import os
import stat
import time

from minidocker.build import commands, settings
from minidocker.build.addition import Addition
from minidocker.build.at_work import AtWork
from minidocker.build.copying import copy, to_directory
from minidocker.build.dockerfile import Instruction
from minidocker.build.owners import owner
from minidocker.build.settings import workdir_of
from minidocker.build.substitute import Words
from minidocker.build.tree import kind, resolve
from minidocker.build.unpacked import Archives
from minidocker.build.wrong import BuildError, not_built
from minidocker.errors import MinidockerError
from minidocker.images.archive.open_directories import Parts
from minidocker.images.store import files


class Steps(AtWork):
    """The steps of a stage: `do` one after the other."""

    def do(self, number: int, one: Instruction) -> None:
        """Do one instruction; BuildError that names its line, whatever goes wrong."""
        self.number = number
        began = time.monotonic()
        words = Words(self.state.values(), self.request.dockerfile.escape, one.number)
        try:
            cached = self._one(one, words)
        except BuildError as problem:
            problem.line = problem.line or one.number
            raise problem.at(self.request.title) from None
        except MinidockerError as problem:
            wrapped = BuildError(one.number, f"{one.word}: {problem.message}", problem.remedy)
            raise wrapped.at(self.request.title) from None
        except OSError as problem:
            where = f"{os.fsdecode(problem.filename)}: " if problem.filename else ""
            wrapped = BuildError(one.number, f"{one.word}: {where}{problem.strerror or problem}")
            raise wrapped.at(self.request.title) from None
        self.say(b"CACHED" if cached else b"DONE %.1fs" % (time.monotonic() - began))

    def _one(self, one: Instruction, words: Words) -> bool:
        if one.word == "RUN":
            return commands.run(self, one, words)
        if one.word in ("COPY", "ADD"):
            return self._copy(one, words)
        if one.word == "WORKDIR":
            return self._workdir(one, words)
        if one.word == "ARG":
            self._arg(one, words)
        else:
            settings.SETTINGS[one.word](self.state, one, words)
        self.state.note(str(one), None, self.state.created or self.when())
        return False

    def _arg(self, one: Instruction, words: Words) -> None:
        """Give the stage's variables of ARG their values: asked for, by default, of the head."""
        given = {**self.request.platforms(), **self.request.args}
        for name, default in settings.arguments(one, words):
            if name in given:
                self.state.args[name] = given[name]
            elif default is not None:
                self.state.args[name] = default
            elif name in self.head:
                self.state.args[name] = self.head[name]

    def _workdir(self, one: Instruction, words: Words) -> bool:
        """WORKDIR PATH: the directory is made where the stage has none, for the USER of now."""
        path = workdir_of(self.state, words.word(one.rest)).rstrip("/") or "/"
        self.state.config["WorkingDir"] = path
        user = str(self.state.config.get("User") or "")

        def fill(addition: Addition, archives: Archives) -> None:
            goal = resolve(addition.below, path, one.number)
            there = kind(addition.below, goal) if goal else stat.S_IFDIR
            if there not in (0, stat.S_IFDIR):
                why = f"WORKDIR {files.printable(path)}: the stage has a file there"
                raise BuildError(one.number, why, "another path")
            if not there:
                addition.owner = owner(addition.below, user, "", one.number)
                addition.parents((*goal, b""))

        return self.add(fill, ["WORKDIR"], f"WORKDIR {path}", line=one.number)

    def _copy(self, one: Instruction, words: Words) -> bool:
        """COPY or ADD: sources and a destination, or heredocs and a destination."""
        line = one.number
        chown, chmod = (words.word(one.flag(name) or "") for name in ("chown", "chmod"))
        names = one.exec if one.exec is not None else one.rest.split()
        if len(names) < 2:
            raise BuildError(
                line, f"{one.word} needs a source and a destination", f"{one.word} FILE /PATH",
                f"{one.word} requires at least two arguments, but only {len(names)} was provided.",
            )  # fmt: skip
        *sources, target = [words.word(name) for name in names]
        sources = [name for name in sources if not name.startswith("<<")]
        if one.word == "ADD":
            refuse_remote(sources, line)
        where = workdir_of(self.state, target)
        many = len(names) > 2
        texts = [(doc.name, words.text(doc.text) if doc.expand else doc.text)
                 for doc in one.heredocs]  # fmt: skip

        def fill(addition: Addition, archives: Archives) -> None:
            for name, text in texts:
                into(addition, name, text, where, many)
            if sources:
                found = self.source(one.flag("from") or "", line)
                copy(addition, found, sources, where, archives.tree if one.word == "ADD" else None)

        return self.add(fill, [one.word], str(one), chown, chmod, line, bool(one.flag("from")))


def refuse_remote(sources: list[str], line: int) -> None:
    """Refuse what ADD would get from the network."""
    for name in sources:
        if "://" in name or name.startswith("git@") or name.endswith(".git"):
            raise not_built(line, f"ADD of {files.printable(name)}", "RUN wget, or COPY a file")


def into(addition: Addition, name: str, text: str, target: str, many: bool) -> None:
    """Put a heredoc's text at a destination, as a file of its name where that is a directory."""
    goal: Parts = resolve(addition.below, target, addition.line)
    if many or to_directory(target) or kind(addition.below, goal) == 0o040000:
        goal = (*goal, os.fsencode(name))
    addition.put_text(goal, text.encode("utf-8", "surrogateescape"))
