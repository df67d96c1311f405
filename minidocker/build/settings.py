"""The instructions that change an image's configuration, and no file: ENV, CMD, EXPOSE, …

Each takes the stage, the instruction, and the reader of its variables. What an image says is in
config.md of the OCI image specification; Healthcheck, Shell and OnBuild are Docker's additions.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable

from minidocker.build.dockerfile import Instruction, one_line, pairs
from minidocker.build.state import State
from minidocker.build.substitute import Words
from minidocker.build.wrong import BuildError
from minidocker.errors import UsageError
from minidocker.plan.notes import signal_number
from minidocker.spec.durations import SHORTEST, nanoseconds
from minidocker.spec.words import is_number

Setting = Callable[[State, Instruction, Words], None]
MOST_PORTS = 65536


def env(state: State, one: Instruction, words: Words) -> None:
    """ENV NAME=VALUE…: every value is read with the variables of before."""
    found = {words.word(name): words.word(text or "") for name, text in pairs(one, words.escape)}
    state.set_env(found)


def label(state: State, one: Instruction, words: Words) -> None:
    """LABEL NAME=VALUE…"""
    found = {words.word(name): words.word(text or "") for name, text in pairs(one, words.escape)}
    state.config["Labels"] = {**(state.config.get("Labels") or {}), **found}


def user(state: State, one: Instruction, words: Words) -> None:
    """USER NAME[:GROUP]"""
    state.config["User"] = words.word(one.rest)


def workdir_of(state: State, text: str) -> str:
    """Return the absolute path that a path means in the stage; "/" at its end stays."""
    path = posixpath.join(str(state.config.get("WorkingDir") or "/"), text)
    found = "/" + posixpath.normpath("/" + path).lstrip("/")
    return found + "/" * (path.endswith(("/", "/.")) and found != "/")


def command(state: State, one: Instruction) -> list[str]:
    """Return the words of a command: those of the JSON list, or the shell and its line."""
    if one.exec is not None:
        return one.exec
    return [*state.shell(), one.rest] if one.rest else []


def cmd(state: State, one: Instruction, words: Words) -> None:
    """CMD COMMAND"""
    state.config["Cmd"] = command(state, one)
    state.has_cmd = True


def entrypoint(state: State, one: Instruction, words: Words) -> None:
    """ENTRYPOINT COMMAND: a CMD of the base counts no longer."""
    state.config["Entrypoint"] = command(state, one)
    if not state.has_cmd:
        state.config.pop("Cmd", None)


def expose(state: State, one: Instruction, words: Words) -> None:
    """EXPOSE PORT[-PORT][/PROTOCOL]…"""
    found = dict(state.config.get("ExposedPorts") or {})
    for word in words.words(one.rest):
        numbers, _, protocol = word.partition("/")
        first, _, last = numbers.partition("-")
        protocol = protocol.lower() or "tcp"
        sane = is_number(first) and is_number(last or first)
        if not sane or not int(first) <= int(last or first) < MOST_PORTS:
            raise BuildError(one.number, f"EXPOSE {word}: no port", "EXPOSE 80/tcp",
                             f"invalid containerPort: {word}")  # fmt: skip
        if protocol not in ("tcp", "udp", "sctp"):
            raise BuildError(one.number, f"EXPOSE {word}: no protocol", "tcp, udp or sctp",
                             f"invalid proto: {protocol}")  # fmt: skip
        for port in range(int(first), int(last or first) + 1):
            found[f"{port}/{protocol}"] = {}
    state.config["ExposedPorts"] = found


def volume(state: State, one: Instruction, words: Words) -> None:
    """VOLUME PATH… or a JSON list"""
    texts = one.exec if one.exec is not None else one.rest.split()
    paths = [words.word(text) for text in texts]
    if not paths or not all(path.strip() for path in paths):
        raise BuildError(one.number, "VOLUME has an empty path", "VOLUME /data",
                         "VOLUME specified can not be an empty string")  # fmt: skip
    state.config["Volumes"] = {**(state.config.get("Volumes") or {}), **{p: {} for p in paths}}


def stopsignal(state: State, one: Instruction, words: Words) -> None:
    """STOPSIGNAL SIGNAL"""
    text = words.word(one.rest)
    try:
        signal_number(text)
    except UsageError as problem:
        why = f"STOPSIGNAL {text!r} is no signal"
        raise BuildError(one.number, why, "STOPSIGNAL SIGINT", problem.docker) from None
    state.config["StopSignal"] = text


def shell(state: State, one: Instruction, words: Words) -> None:
    """SHELL JSON"""
    state.config["Shell"] = one.exec


def maintainer(state: State, one: Instruction, words: Words) -> None:
    """MAINTAINER TEXT"""
    state.author = one.rest


def onbuild(state: State, one: Instruction, words: Words) -> None:
    """ONBUILD INSTRUCTION: for builds on this image."""
    state.config["OnBuild"] = [*(state.config.get("OnBuild") or []), one.rest]


def healthcheck(state: State, one: Instruction, words: Words) -> None:
    """HEALTHCHECK NONE, or [--interval=…] CMD COMMAND"""
    word, rest = [*one.rest.split(None, 1), ""][:2]
    if word.upper() == "NONE":
        if rest.strip() or one.flags:
            raise BuildError(one.number, "HEALTHCHECK NONE takes no arguments", "HEALTHCHECK NONE",
                             "HEALTHCHECK NONE takes no arguments")  # fmt: skip
        state.config["Healthcheck"] = {"Test": ["NONE"]}
        return
    if word.upper() != "CMD" or not rest.strip():
        raise BuildError(
            one.number, f"HEALTHCHECK {word}: neither CMD COMMAND nor NONE",
            "HEALTHCHECK CMD wget -q -O /dev/null localhost",
            f'Unknown type "{word.upper()}" in HEALTHCHECK (try CMD)',
        )  # fmt: skip
    test = one_line("CMD " + rest.strip(), one.number, words.escape)
    found: dict[str, object] = {
        "Test": ["CMD", *test.exec] if test.exec is not None else ["CMD-SHELL", test.rest]
    }
    fields = {"interval": "Interval", "timeout": "Timeout", "start-period": "StartPeriod",
              "start-interval": "StartInterval"}  # fmt: skip
    for flag, field in fields.items():
        if text := one.flag(flag):
            found[field] = duration(words.word(text), one.number, flag)
    if text := one.flag("retries"):
        if not is_number(text):
            raise BuildError(one.number, f"--retries={text} is no number", "--retries=3")
        found["Retries"] = int(text)
    state.config["Healthcheck"] = {key: value for key, value in found.items() if value}


def duration(text: str, line: int, flag: str) -> int:
    """Read a time as Go does, "1m30s", in nanoseconds; 0 or 1 ms and more."""
    if text == "0":
        return 0
    total = nanoseconds(text)
    if total is None or total < 0 or 0 < total < SHORTEST:
        raise BuildError(line, f"--{flag}={text} is no time", f"--{flag}=1m30s",
                         f'time: invalid duration "{text}"')  # fmt: skip
    return total


SETTINGS: dict[str, Setting] = {
    "ENV": env, "LABEL": label, "USER": user, "CMD": cmd, "ENTRYPOINT": entrypoint,
    "EXPOSE": expose, "VOLUME": volume, "STOPSIGNAL": stopsignal, "SHELL": shell,
    "MAINTAINER": maintainer, "ONBUILD": onbuild, "HEALTHCHECK": healthcheck,
}  # fmt: skip


def arguments(one: Instruction, words: Words) -> list[tuple[str, str | None]]:
    """Read ARG NAME[=DEFAULT]…: (name, default or None)."""
    found = pairs(one, words.escape, bare=True)
    return [(name, None if text is None else words.word(text)) for name, text in found]

