"""The parser of a word: argparse, whose errors are one sentence and a remedy."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from minidocker.errors import FlagError, UsageError
from minidocker.spec.near import nearest
from minidocker.verbs import refused_words
from minidocker.verbs.words import OWN

TRUE, FALSE = ("1", "t", "T", "TRUE", "true", "True"), ("0", "f", "F", "FALSE", "false", "False")
MANY = ("*", "+", argparse.REMAINDER)


class Parser(argparse.ArgumentParser):
    """argparse, whose errors end as Docker's do; `make` fills in what each word has."""

    typed: Sequence[str] = ()

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """Read the words; an option that takes no value takes `=true` and `=false`, as in Go."""
        words, denied = list(sys.argv[1:] if args is None else args), set[str]()
        if not any(one.nargs == argparse.REMAINDER for one in self._actions):
            words, denied = self.plain(words)
        self.typed = words
        found, rest = super().parse_known_args(words, namespace)
        for name in denied:
            setattr(found, name, False)
        return found, rest

    def plain(self, words: list[str]) -> tuple[list[str], set[str]]:
        """Write `--all=true` as `--all`; leave `--all=false` out, and return whose it is."""
        kept, denied = [], set()
        for word in words:
            name, equals, value = word.partition("=")
            action = self._option_string_actions.get(name)
            if action is None or action.nargs != 0 or (equals and value not in TRUE + FALSE):
                kept.append(word)
            elif equals and value in FALSE:
                denied.add(action.dest)
            else:
                denied.discard(action.dest)
                kept.append(name)
        return kept, denied

    def error(self, message: str) -> NoReturn:
        """Raise UsageError with what was wrong, in Docker's words too, and where its help is."""
        word = self.prog.removeprefix("minidocker ")
        if word.split()[0] in OWN:
            raise UsageError(f"{word}: {message}", f"{self.prog} --help", 2)
        if message.startswith("unrecognized") and (below := self.below()):
            below.error(message)  # what follows `image ls` is an error of `image ls`
        stray = self.stray(message)
        if stray:
            name = stray.partition("=")[0]
            if reason := refused_words.why(word.split()[0], name):
                raise FlagError(f"{word} {name} is refused: {reason}", f"leave {name} out")
            raise FlagError(
                f"{word}: unrecognized arguments: {stray}", self.near(name), docker=unknown(stray)
            )
        if "are required" in message and self.choices_of_words():  # `docker network` alone
            self.print_help(sys.stderr)
            raise SystemExit(0)
        kind, docker, remedy = self.dockers(message)
        raise kind(f"{word}: {message}", remedy or f"{self.prog} --help", docker=docker)

    def stray(self, message: str) -> str:
        """Return the first word that looks like an option and is none: Docker's first error."""
        if message.startswith("unrecognized arguments: "):
            given = message.removeprefix("unrecognized arguments: ").split()[0]
            return given if given.startswith("-") else ""
        if "are required" not in message:
            return ""
        known = self._option_string_actions
        for word in self.typed:
            if word == "--":
                break
            if word.startswith("--") and word.partition("=")[0] not in known:
                return word
            if word[:1] == "-" and word[1:2] not in ("", "-") and word[:2] not in known:
                return word
        return ""

    def near(self, name: str) -> str:
        """Return the remedy for an option that is none: the one that is meant, or the help."""
        close = nearest(name, self._option_string_actions) if name.startswith("--") else ""
        return f"did you mean {close}?" if close else f"{self.prog} --help"

    def choices_of_words(self) -> list[str]:
        """Return the words that may follow, where this word is made of others."""
        for action in self._actions:
            if action.choices and not action.option_strings:
                return list(action.choices)
        return []

    def below(self) -> Parser | None:
        """Return the parser of the word that follows this one, where it is made of others."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                word = next((word for word in self.typed if word in action.choices), "")
                found = action.choices.get(word)
                return found if isinstance(found, Parser) else None
        return None

    def dockers(self, message: str) -> tuple[type[UsageError], str, str]:
        """Return the class of the error, what Docker says, and a remedy or ""."""
        docker = self.prog.removeprefix("mini")
        if found := re.match(r"argument [^:]+: invalid choice: '(.*?)' \(choose", message):
            close = nearest(found[1], self.choices_of_words())
            remedy = f"did you mean {close}?" if close else ""
            return UsageError, f"unknown command: {docker} {found[1]}", remedy
        if found := re.match(r"argument ([^:]+): expected", message):
            typed = next((w for w in reversed(self.typed) if w in found[1].split("/")), "")
            named = typed if typed.startswith("--") else f"'{typed[1:]}' in {typed}"
            return FlagError, f"flag needs an argument: {named}", ""
        wrong = r"argument (-[^:]+): (?:invalid (\w+) value:|ignored explicit argument) (.*)"
        if found := re.match(wrong, message):
            names = ", ".join(sorted(found[1].split("/"), key=len))
            value = found[3].strip("'\"")
            kind = "ParseBool" if found[2] is None else "ParseInt"
            said = f'strconv.{kind}: parsing "{value}": invalid syntax'
            return FlagError, f'invalid argument "{value}" for "{names}" flag: {said}', ""
        if "are required" in message or message.startswith("unrecognized"):
            return UsageError, f"'{docker}' {self.count()}", ""
        return FlagError, "", ""

    def count(self) -> str:
        """Say in Docker's words how many arguments there must be."""
        places = [one for one in self._get_positional_actions() if one.help != argparse.SUPPRESS]
        least = sum(one.required for one in places)
        if not places:
            return "accepts no arguments"
        if any(one.nargs in MANY for one in places):
            return f"requires at least {number(least)}"
        if len(places) > least:
            return f"requires at least {least} and at most {number(len(places))}"
        return f"requires {number(least)}"


def number(count: int) -> str:
    """Write "1 argument", "2 arguments"."""
    return f"{count} argument{'' if count == 1 else 's'}"


def unknown(word: str) -> str:
    """Say in Docker's words that an option is none."""
    if word.startswith("--"):
        return f"unknown flag: {word.partition('=')[0]}"
    return f"unknown shorthand flag: '{word[1:2]}' in {word}"


def make(word: str, about: str, after: str = "") -> Parser:
    """Return the parser of `minidocker WORD`: what it is about, and what follows its options."""
    return Parser(
        prog=f"minidocker {word}",
        description=about,
        epilog=after,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def no_question(parser: argparse.ArgumentParser) -> None:
    """Take Docker's -f of the words that prune: here nobody asks in any case."""
    parser.add_argument("-f", "--force", action="store_true", help="taken; nobody asks here")
