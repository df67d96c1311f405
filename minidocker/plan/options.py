"""The options of `minidocker run`: those of no stage, and a quick parser for all of them.

A stage declares its own options beside its moments. argparse costs 8 ms of each start, so `run`
reads its arguments by the declarations itself; help.py builds an argparse parser from them.
"""

from __future__ import annotations

from minidocker.errors import UsageError
from minidocker.spec.words import FLAG, HELP, LIST, VALUE, Asked, Option, parse_container_name
from minidocker.stages import STAGES

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def later(module: str, name: str) -> Callable[[str, str], Any]:
    """Return a reader of an option that is loaded when that option is typed."""

    def read(text: str, option: str) -> Any:
        room = __import__(f"minidocker.spec.{module}", fromlist=[name])
        return getattr(room, name)(text, option)

    return read


GENERAL = (
    Option("--name", VALUE, "NAME", "as in Docker", "give the container a name",
           read=parse_container_name),
    Option("--rm", FLAG, "", "as in Docker", "remove the container when it ends"),
    Option("-d --detach", FLAG, "", "as in Docker", "let it run alone, and print its id"),
    Option("--pull", VALUE, "WHEN", "as in Docker",
           "get the image from its registry: always, missing (if not said), or never"),
    Option("--platform", VALUE, "OS/ARCH", "as in Docker", "the machine that the image is for"),
    Option("-q --quiet", FLAG, "", "as in Docker", "say nothing while an image comes"),
    Option("-i --interactive", FLAG, "", "as in Docker", "keep standard input open"),
    Option("-a --attach", LIST, "STREAM", "as in Docker",
           "of stdin, stdout and stderr these alone", read=later("attached", "parse")),
    Option("-t --tty", FLAG, "", "as in Docker", "give it a terminal (for a shell: -it)"),
    Option("--detach-keys", VALUE, "KEYS", "as in Docker",
           "with -it: these leave it running, such as ctrl-p,ctrl-q"),
    Option("-e --env", LIST, "NAME=VALUE", "as in Docker",
           "set a variable; NAME alone takes yours"),
    Option("--env-file", LIST, "FILE", "as in Docker", "read variables, one NAME=VALUE a line"),
    Option("-w --workdir", VALUE, "DIR", "as in Docker", "start in this directory"),
    Option("--entrypoint", VALUE, "PROGRAM", "as in Docker", "run this instead of the image's own"),
    Option("-l --label", LIST, "NAME[=VALUE]", "as in Docker", "a note about the container"),
    Option("--label-file", LIST, "FILE", "as in Docker", "read labels, one NAME=VALUE a line"),
    Option("--annotation", LIST, "NAME=VALUE", "as in Docker",
           "a note for the runtime: it stands in the container's record"),
    Option("--cidfile", VALUE, "FILE", "as in Docker",
           "write the container's id to a new file"),
    Option("--stop-signal", VALUE, "SIGNAL", "as in Docker",
           "what `minidocker stop` sends first; SIGTERM if nothing is said"),
    Option("--stop-timeout", VALUE, "SECONDS", "as in Docker",
           "how long `minidocker stop` waits before it kills; 10, or -1 for ever"),
    Option("--restart", VALUE, "POLICY", "as in Docker",
           "with -d: start it again when it ends: always, unless-stopped, on-failure[:TIMES]",
           read=later("restart", "parse")),
    Option("--pod", VALUE, "NAME", "walls to share",
           "the network, shared memory and host name of a pod (see: minidocker pod)",
           read=parse_container_name),
    Option("--health-cmd", VALUE, "COMMAND", "as in Docker",
           "with -d: a shell's line that ends with 0 while all is well inside"),
    Option("--health-interval", VALUE, "TIME", "as in Docker", "look so often; 30s",
           read=later("durations", "span")),
    Option("--health-timeout", VALUE, "TIME", "as in Docker", "a look may take so long; 30s",
           read=later("durations", "span")),
    Option("--health-retries", VALUE, "N", "as in Docker",
           "so many looks in a row have to fail; 3", read=later("durations", "count")),
    Option("--health-start-period", VALUE, "TIME", "as in Docker",
           "in its first moments no failed look counts; 0s", read=later("durations", "span")),
    Option("--health-start-interval", VALUE, "TIME", "as in Docker",
           "look so often in its first moments; 5s", read=later("durations", "span")),
    Option("--no-healthcheck", FLAG, "", "as in Docker", "leave out what the image says of it"),
    Option("--log-driver", VALUE, "NAME", "as in Docker", "json-file: there is no other",
           read=later("logging", "driver")),
    Option("--log-opt", LIST, "NAME=VALUE", "as in Docker",
           "max-size=SIZE (10m if nothing is said, -1 is no limit), max-file=N (3)",
           read=later("logging", "option")),
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

    Flags give True or False, values the last text, lists every text. As in Docker: `-it`,
    `-e X=1`, `-eX=1`, `--env=X=1`, `--rm=false`, and `--` ends the options. Options of Docker's
    that are not ours are in refused.py. Anything else raises UsageError.
    """
    options = {name: option for option in RUN for name in option.names}
    found: dict[str, object] = {}
    rest = list(argv)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word == "--":
            break
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            attached = bool(equals)
        else:
            name, attached = word[:2], len(word) > 2
            value = word[3:] if word[2:3] == "=" and len(word) > 3 else word[2:]
        if name not in options:
            from minidocker.plan import refused

            refused.skip(word, name, attached, value, rest, list(options))
            continue
        option = options[name]
        if option.kind == FLAG:
            if attached and not word.startswith("--") and word[2] != "=":
                rest.insert(0, "-" + word[2:])  # -it is -i -t
                attached = False
            found[option.key] = truth(value, option) if attached else True
            continue
        if not attached:
            if not rest:
                words = f"'{name[1]}' in {word}" if len(name) == 2 else name
                raise UsageError(
                    f"{name} needs a value", HELP, docker=f"flag needs an argument: {words}"
                )
            value = rest.pop(0)
        if option.kind == LIST:
            found.setdefault(option.key, []).append(value)  # type: ignore[attr-defined]
        else:
            found[option.key] = value
    return found, rest


def truth(value: str, option: Option) -> bool:
    """Read the value of a flag, as Go's strconv.ParseBool does."""
    for answer, words in ((True, "1 t T TRUE true True"), (False, "0 f F FALSE false False")):
        if value in words.split():
            return answer
    raise UsageError(
        f"{option.names[-1]} takes no value but true or false, and {value!r} is neither",
        f"write {option.names[-1]} alone", docker=f"{invalid(value, option)}: "
        f'strconv.ParseBool: parsing "{value}": invalid syntax',
    )  # fmt: skip


def invalid(text: object, option: Option) -> str:
    """Say in Docker's words that an option cannot have this value."""
    return f'invalid argument "{text}" for "{", ".join(option.names)}" flag'


def read(found: dict[str, object], store: str, touch: bool) -> Asked:
    """Turn the texts that `parse` found into values; what asks for nothing is left out."""
    asked = Asked(store, touch)
    for key, given in found.items():
        option = BY_KEY[key]
        try:
            value = option.value(given)
        except UsageError as problem:
            if option.typed and not problem.docker:
                shown = given[-1] if isinstance(given, list) else given
                problem.docker = invalid(shown, option)
            raise
        if value is not None and value is not False:
            asked[key] = value
    return asked
