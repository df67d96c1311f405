"""Dockerfile, second reading: from whole lines to stages of instructions, nothing done yet.

    ARG before FROM ─► head      FROM … AS name ─► Stage ─► Instruction, Instruction, …

What can be seen to be wrong without building is refused here, before the first step runs.
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from minidocker.build.lines import Heredoc, Line, Text, raw_words, read
from minidocker.build.wrong import BuildError, not_built

# Each instruction, and the flags that we build; "=" stands for those that need a value.
FLAGS: dict[str, dict[str, str]] = {
    "FROM": {"platform": "="},
    "RUN": {"mount": "=*", "network": "="},
    "COPY": {"from": "=", "chown": "=", "chmod": "=", "link": ""},
    "ADD": {"chown": "=", "chmod": "=", "link": ""},
    "HEALTHCHECK": {
        "interval": "=", "timeout": "=", "start-period": "=", "retries": "=",
        "start-interval": "=",
    },
} | {word: {} for word in (
    "ARG", "ENV", "LABEL", "WORKDIR", "USER", "CMD", "ENTRYPOINT", "EXPOSE", "VOLUME",
    "STOPSIGNAL", "SHELL", "MAINTAINER", "ONBUILD",
)}  # fmt: skip
# Docker's own flags, that we refuse by name: with what helps.
REFUSED = {
    ("RUN", "security"): "every RUN has the walls of `minidocker run`; leave it out",
    ("RUN", "device"): "a RUN gets no device",
    ("COPY", "parents"): "name the directory that the files shall go to",
    ("COPY", "exclude"): ".dockerignore",
    ("ADD", "exclude"): ".dockerignore",
    ("ADD", "keep-git-dir"): "git clone it beside the Dockerfile, and COPY it",
    ("ADD", "checksum"): "RUN sha256sum -c",
    ("ADD", "unpack"): "ADD unpacks a local tar archive, COPY never does",
}
JSON_FORMS = ("RUN", "CMD", "ENTRYPOINT", "SHELL", "VOLUME", "COPY", "ADD")
STAGE_NAME = re.compile(r"[a-z][a-z0-9-_.]*")


class Instruction(NamedTuple):
    """One instruction: `word` in capitals, `rest` after its flags, `exec` for a JSON form.

    `flags` has (name, value) in the order of the line; `number` is the line, from 1.
    """

    number: int
    word: str
    flags: list[tuple[str, str]]
    rest: str
    exec: list[str] | None
    heredocs: list[Heredoc]

    def flag(self, name: str) -> str | None:
        """Return the last value of a flag; None where it is not there."""
        return dict(self.flags).get(name)

    def __str__(self) -> str:
        flags = [f"--{name}={value}" if value else f"--{name}" for name, value in self.flags]
        return " ".join([self.word, *flags, self.rest])


class Stage(NamedTuple):
    """One FROM and what follows; `name` is "" where it has none, `base` as written."""

    number: int
    base: str
    platform: str
    name: str
    steps: list[Instruction]


class Dockerfile(NamedTuple):
    """A whole Dockerfile: `head` are the ARGs before the first FROM."""

    escape: str
    head: list[Instruction]
    stages: list[Stage]


def parse(text: str) -> Dockerfile:
    """Read a Dockerfile; BuildError with its line for what is wrong."""
    found: Text = read(text)
    head: list[Instruction] = []
    stages: list[Stage] = []
    for line in found.lines:
        one = instruction(line, found.escape)
        if one.word == "FROM":
            stages.append(_stage(one, found.escape, [stage.name for stage in stages]))
        elif stages:
            stages[-1].steps.append(one)
        elif one.word == "ARG":
            head.append(one)
        else:
            raise BuildError(
                one.number, f"{one.word} stands before the first FROM", "FROM IMAGE",
                "no build stage in current context",
            )  # fmt: skip
    if not stages:
        raise BuildError(
            0, "the Dockerfile has no FROM", "FROM base", "file with no instructions"
        )
    return Dockerfile(found.escape, head, stages)


def one_line(text: str, number: int, escape: str = "\\") -> Instruction:
    """Read one instruction that stands by itself: a trigger of ONBUILD."""
    lines = read(f"# escape={escape}\n{text}").lines
    if len(lines) != 1:
        raise BuildError(number, f"{text[:60]!r} is no instruction")
    found = instruction(lines[0]._replace(number=number), escape)
    if found.word == "FROM":  # an image's configuration says anything
        raise BuildError(number, "ONBUILD FROM cannot be", "another base image",
                         "FROM isn't allowed as an ONBUILD trigger")  # fmt: skip
    return found


def instruction(line: Line, escape: str) -> Instruction:
    """Read one line: its word, its flags, and what follows."""
    word, _, rest = line.text.partition(" ") if " " in line.text else (line.text, "", "")
    if "\t" in word:
        word, _, rest = line.text.partition("\t")
    word = word.upper()
    if word not in FLAGS:
        raise BuildError(
            line.number, f"there is no instruction {word}", "FROM, RUN, COPY, ENV, …",
            f"unknown instruction: {word}",
        )  # fmt: skip
    flags, rest = _flags(line.number, word, rest.strip(), escape)
    if not rest and word != "SHELL" and word not in ("CMD", "ENTRYPOINT"):
        raise BuildError(
            line.number, f"{word} says nothing", f"{word} …",
            f"{word} requires at least one argument",
        )  # fmt: skip
    exec_ = _json(line.number, word, rest) if word in JSON_FORMS else None
    one = Instruction(line.number, word, flags, rest, exec_, line.heredocs)
    if word == "ONBUILD":
        _look_at_trigger(one, escape)
    if word == "SHELL" and not exec_:
        raise BuildError(line.number, "SHELL wants a JSON list", 'SHELL ["/bin/sh", "-c"]',
                         "SHELL requires the arguments to be in JSON form")  # fmt: skip
    return one


def _flags(number: int, word: str, rest: str, escape: str) -> tuple[list[tuple[str, str]], str]:
    """Take the flags off the front of a line; refuse what we do not build, by its name."""
    found: list[tuple[str, str]] = []
    known = FLAGS[word]
    while known and rest.startswith("--"):
        first = raw_words(rest, escape)[0]
        rest = rest[len(first) :].lstrip()
        if first == "--":
            break
        name, equals, value = first[2:].partition("=")
        if (word, name) in REFUSED:
            raise not_built(number, f"{word} --{name}", REFUSED[word, name])
        if name not in known:
            raise BuildError(
                number, f"{word} has no flag --{name}", f"it has {', '.join(sorted(known))}",
                f"unknown flag: {name}",
            )  # fmt: skip
        if known[name] and not equals:
            raise BuildError(number, f"{word} --{name} needs a value", f"--{name}=…",
                             f"missing a value on flag: --{name}")  # fmt: skip
        if "*" not in known[name] and any(other == name for other, _ in found):
            raise BuildError(number, f"{word} has --{name} twice", "leave one of them",
                             f"duplicate flag specified: --{name}")  # fmt: skip
        found.append((name, value))
    return found, rest


def _json(number: int, word: str, rest: str) -> list[str] | None:
    """Return the words of a JSON list; None for any other text."""
    if not rest.startswith("["):
        return None
    try:
        found = json.loads(rest)
    except (ValueError, RecursionError):
        return None  # as in Docker: then it is a line for the shell
    if not isinstance(found, list) or not all(isinstance(part, str) for part in found):
        raise BuildError(number, f"{word} has a JSON list that is not of strings alone",
                         f'{word} ["a", "b"]',
                         "only string type is allowed in JSON format arrays")  # fmt: skip
    if any("\0" in part or not whole(part) for part in found):
        raise BuildError(number, f"{word} has a NUL in it, or half a character")
    return found


def whole(text: str) -> bool:
    """Say whether a text can be written down: "\\ud800" of JSON is half a character."""
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


def _stage(one: Instruction, escape: str, names: list[str]) -> Stage:
    words = one.rest.split()
    if len(words) not in (1, 3) or (len(words) == 3 and words[1].upper() != "AS"):
        raise BuildError(
            one.number, f"FROM {one.rest} is neither an image nor IMAGE AS NAME",
            "FROM IMAGE AS NAME", "FROM requires either one or three arguments",
        )  # fmt: skip
    name = words[2].lower() if len(words) == 3 else ""
    if name and not STAGE_NAME.fullmatch(name):
        raise BuildError(
            one.number, f"{words[2]!r} is no name for a stage", "letters, digits and - _ .",
            f'invalid name for build stage: "{words[2]}", name can\'t start with a number or '
            "contain symbols",
        )  # fmt: skip
    if name and name in names:
        raise BuildError(one.number, f"there is a stage {name} already", "another name",
                         f"duplicate name {name}")  # fmt: skip
    return Stage(one.number, words[0], one.flag("platform") or "", name, [])


def _look_at_trigger(one: Instruction, escape: str) -> None:
    """Refuse a trigger that Docker refuses, and one that we could not build later."""
    inner = one_line(one.rest, one.number, escape) if not one.heredocs else None
    if inner is None:
        raise not_built(one.number, "a heredoc in ONBUILD", "write the command on one line")
    if inner.word in ("ONBUILD", "FROM", "MAINTAINER"):
        raise BuildError(one.number, f"ONBUILD {inner.word} cannot be", "",
                         f"{inner.word} isn't allowed as an ONBUILD trigger")  # fmt: skip


def pairs(one: Instruction, escape: str, bare: bool = False) -> list[tuple[str, str | None]]:
    """Return NAME=VALUE words of ENV, LABEL or ARG, raw; `NAME value…` is Docker's old form.

    `bare`: a NAME alone may stand there (ARG); its value is None then.
    """
    words = raw_words(one.rest, escape)
    if not bare and "=" not in words[0]:
        name, *value = one.rest.split(None, 1)
        if not value:
            raise BuildError(one.number, f"{one.word} {name} has no value",
                             f"{one.word} {name}=…",
                             f"{one.word} must have two arguments")  # fmt: skip
        return [(name, value[0])]
    found: list[tuple[str, str | None]] = []
    for word in words:
        name, equals, text = word.partition("=")
        if not name or not (equals or bare):
            raise BuildError(
                one.number, f"{one.word}: {word!r} is not NAME=VALUE", f"{one.word} NAME=VALUE",
                f"Syntax error - can't find = in {word!r}. Must be of the form: name=value",
            )  # fmt: skip
        found.append((name, text if equals else None))
    return found
