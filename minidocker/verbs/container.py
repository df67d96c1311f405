"""`minidocker container …`: the long way to say the words of containers, as in Docker."""

from __future__ import annotations

from importlib import import_module

from minidocker.verbs.parser import Parser, make

# What follows `container`: the module that answers it. Those of one word are that word's own.
WORDS = {
    **{word: word for word in (
        "attach", "commit", "cp", "create", "diff", "exec", "export", "inspect", "kill", "logs",
        "pause", "port", "ps", "rename", "restart", "rm", "run", "start", "stats", "stop", "top",
        "unpause", "update", "wait",
    )},
    "list": "ps", "ls": "ps", "prune": "container_prune",
}  # fmt: skip
AFTER = """\
examples:
  minidocker container ls -a            as minidocker ps -a
  minidocker container inspect box      containers only
  minidocker container rm -f box
  minidocker container prune            remove those that have ended
"""


def main(argv: list[str]) -> int:
    """Do what the word says that follows; return the exit status."""
    word, rest = parser().parse_args(argv[:1]).word, argv[1:]
    if word == "inspect":
        rest = ["--type", "container", *rest]
    return int(import_module(f"minidocker.verbs.{WORDS[word]}").main(rest))


def parser() -> Parser:
    """Build the parser; completion reads it, too."""
    made = make("container", "The words of containers, each as it is without `container`.", AFTER)
    made.add_argument("word", choices=sorted(WORDS), metavar="WORD", help=", ".join(sorted(WORDS)))
    return made
