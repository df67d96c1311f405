"""`minidocker completion`: what a shell needs to complete words, options and names."""

from __future__ import annotations

import argparse
import contextlib
import io
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module

from minidocker.errors import MinidockerError
from minidocker.plan.help import help_parser
from minidocker.verbs import shells
from minidocker.verbs.parser import Parser, make
from minidocker.verbs.shells import Option, Word

AFTER = """\
examples:
  source <(minidocker completion bash)            in this shell
  minidocker completion bash > ~/.local/share/bash-completion/completions/minidocker
  minidocker completion zsh > ~/.zfunc/_minidocker        (with fpath+=~/.zfunc in ~/.zshrc)
  minidocker completion fish > ~/.config/fish/completions/minidocker.fish

It is made from the options that this version has: make it again after an update. With
`alias docker=minidocker`, in bash: complete -F _minidocker docker
"""
CONTAINERS = (
    "attach", "commit", "cp", "diff", "exec", "export", "inspect", "kill", "logs", "pause", "port",
    "rename", "restart", "rm", "start", "stats", "stop", "top", "unpause", "update", "wait", "xray",
)  # fmt: skip
IMAGES = ("create", "history", "inspect", "push", "rmi", "run", "save", "tag")

Table = Mapping[str, Sequence[tuple[str, str, str, str]]]  # group → (word, module, how, what)


class _Found(Exception):
    def __init__(self, parser: argparse.ArgumentParser) -> None:
        super().__init__()
        self.parser = parser


def main(argv: list[str], table: Table | None = None) -> int:
    """Print the text for a shell; return the exit status. `table` is the command line's own."""
    args = parser().parse_args(argv)
    print(shells.WRITERS[args.shell](words(table or {})), end="")
    return 0


def parser() -> Parser:
    """Build the parser of this word."""
    made = make("completion", "Print what a shell needs to complete our command lines.", AFTER)
    made.add_argument("shell", choices=sorted(shells.WRITERS), help="the shell that is to read it")
    return made


def words(table: Table) -> list[Word]:
    """Return every word of the command line, from the parsers that answer them."""
    return [
        word(name, help, parser_of(name, module))
        for group in table.values() for name, module, _, help in group
    ]  # fmt: skip


def parser_of(name: str, module: str) -> argparse.ArgumentParser | None:
    """Return the parser of a word: the one whose help it would print."""
    if name in ("run", "create"):
        return help_parser()
    with _caught_help(), contextlib.redirect_stdout(io.StringIO()):
        try:
            import_module(f"minidocker.{module}").main(["--help"])
        except _Found as found:
            return found.parser
        except (SystemExit, MinidockerError):
            pass  # it says its help without a parser
    return None


@contextlib.contextmanager
def _caught_help() -> Iterator[None]:
    """Let every parser that is to print its help raise itself instead."""

    def caught(self: argparse.ArgumentParser, file: object = None) -> None:
        raise _Found(self)

    usual = argparse.ArgumentParser.print_help
    argparse.ArgumentParser.print_help = caught  # type: ignore[method-assign]
    try:
        yield
    finally:
        argparse.ArgumentParser.print_help = usual  # type: ignore[method-assign]


def word(name: str, help: str, parser: argparse.ArgumentParser | None) -> Word:
    """Make a Word of a parser."""
    options: list[Option] = []
    below: list[Word] = []
    for action in parser._actions if parser else ():
        if isinstance(action, argparse._SubParsersAction):
            told = {choice.dest: choice.help or "" for choice in action._choices_actions}
            below += [word(n, told.get(n, ""), p) for n, p in action.choices.items()]
        elif action.option_strings:
            value = "" if action.nargs == 0 else str(action.metavar or action.dest.upper())
            options.append(Option(list(action.option_strings), value, str(action.help or "")))
        elif action.choices:
            below += [Word(str(choice), "", [], [], []) for choice in action.choices]
    kinds = [kind for kind, with_names in (("containers", CONTAINERS), ("images", IMAGES))
             if name in with_names]  # fmt: skip
    if name in ("volume", "network"):
        below = [each._replace(names=[f"{name}s"]) if each.name in ("rm", "inspect") else each
                 for each in below]  # fmt: skip
    return Word(name, help, options, below, kinds)
