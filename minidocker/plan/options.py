"""The options of `minidocker run`: those of no stage, and a quick parser for all of them.

A stage declares its own options beside its moments. argparse costs 8 ms of each start, so `run`
reads its arguments by the declarations itself; help.py builds an argparse parser from them.
"""

from __future__ import annotations

from minidocker.errors import UsageError
from minidocker.spec.words import FLAG, LIST, VALUE, Asked, Option, parse_name
from minidocker.stages import STAGES

HELP = "minidocker run --help"

GENERAL = (
    Option("--name", VALUE, "NAME", "as in Docker", "give the container a name", read=parse_name),
    Option("--rm", FLAG, "", "as in Docker", "remove the container when it ends"),
    Option("--pull", VALUE, "WHEN", "as in Docker",
           "get the image from its registry: always, missing (if not said), or never"),
    Option("--platform", VALUE, "OS/ARCH", "as in Docker", "the machine that the image is for"),
    Option("-i --interactive", FLAG, "", "as in Docker", "keep standard input open"),
    Option("-t --tty", FLAG, "", "as in Docker", "give it a terminal (for a shell: -it)"),
    Option("-e --env", LIST, "NAME=VALUE", "as in Docker",
           "set a variable; NAME alone takes yours"),
    Option("--env-file", LIST, "FILE", "as in Docker", "read variables, one NAME=VALUE a line"),
    Option("-w --workdir", VALUE, "DIR", "as in Docker", "start in this directory"),
    Option("--entrypoint", VALUE, "PROGRAM", "as in Docker", "run this instead of the image's own"),
    Option("--stages", VALUE, "LIST", "our own",
           "only these walls: pid,mounts or ..mounts (up to that lesson)"),
    Option("--stage", LIST, "NAME=FILE", "our own", "take a stage's parts from a file of yours"),
    Option("--mine", FLAG, "", "our own",
           "take every part that you have written from exercises/"),
    Option("--unsafe", FLAG, "", "our own", "with --mine: parts too that failed when judged last"),
    Option("--explain", FLAG, "", "our own", "tell each step while it is done"),
    Option("--dry-run", FLAG, "", "our own", "tell each step and do none; on any system"),
    Option("--on", VALUE, "MACHINE", "our own", "run it in the lab machine: vm or vagrant"),
    Option("--fresh", FLAG, "", "our own", "with --on vm: put that machine back first"),
    Option("--help", FLAG, "", "our own", "show this text"),
)  # fmt: skip
RUN = (*GENERAL, *(option for stage in STAGES for option in stage.options))
BY_KEY = {option.key: option for option in RUN}


def parse(argv: list[str]) -> tuple[dict[str, object], list[str]]:
    """Read options up to the first other word: ({long name: value}, the rest).

    Flags give True, values the last text, lists every text. As in Docker: `-it`, `-e X=1`,
    `-eX=1`, `--env=X=1`, and `--` ends the options. Anything else raises UsageError.
    """
    options = {name: option for option in RUN for name in option.names}
    found: dict[str, object] = {}
    rest = list(argv)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word == "--":
            break
        name, attached, value = word, False, ""
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            attached = bool(equals)
        elif len(word) > 2:
            name, value, attached = word[:2], word[2:].removeprefix("="), True
        if name not in options:
            raise UsageError(f"run has no option {name}", _nearest(name, list(options)))
        key, kind = options[name].key, options[name].kind
        if kind == FLAG:
            if attached and not word.startswith("--"):
                rest.insert(0, "-" + word[2:])  # -it is -i -t
            elif attached and value not in ("true", "false"):
                raise UsageError(f"{name} takes no value", f"write {name} alone")
            found[key] = value != "false" if word.startswith("--") else True
            continue
        if not attached:
            if not rest:
                raise UsageError(f"{name} needs a value", HELP)
            value = rest.pop(0)
        if kind == LIST:
            found.setdefault(key, []).append(value)  # type: ignore[attr-defined]
        else:
            found[key] = value
    return found, rest


def read(found: dict[str, object], store: str, touch: bool) -> Asked:
    """Turn the texts that `parse` found into values; what asks for nothing is left out."""
    asked = Asked(store, touch)
    for key, given in found.items():
        value = BY_KEY[key].value(given)
        if value is not None and value is not False:
            asked[key] = value
    return asked


def _nearest(name: str, names: list[str]) -> str:
    """Say the option that looks most like this one."""
    from difflib import get_close_matches

    close = get_close_matches(name, names, 1)
    return f"did you mean {close[0]}?" if close else HELP
