"""The parser of a word: argparse, whose errors are one sentence and a remedy."""

from __future__ import annotations

import argparse
from typing import NoReturn

from minidocker.errors import UsageError
from minidocker.verbs import refused_words


class Parser(argparse.ArgumentParser):
    """argparse with an error of ours; `make` fills in what every word has."""

    def error(self, message: str) -> NoReturn:
        """Raise UsageError with the word that was wrong, and where its help is."""
        word = self.prog.removeprefix("minidocker ")
        given = message.removeprefix("unrecognized arguments: ").split()
        name = given[0].partition("=")[0] if given else ""
        if name.startswith("-") and (reason := refused_words.why(word.split()[0], name)):
            raise UsageError(f"{word} {name} is refused: {reason}", f"leave {name} out")
        raise UsageError(f"{word}: {message}", f"{self.prog} --help", 2)


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
