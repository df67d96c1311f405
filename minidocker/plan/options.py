"""The options of `minidocker run`: one table, a quick parser, and argparse for the help.

argparse costs 8 ms of each start, so `run` reads its own arguments by the table; `--help` builds
an argparse parser from the same table.
"""

from __future__ import annotations

from minidocker.errors import UsageError

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from argparse import ArgumentParser

FLAG, VALUE, LIST = "flag", "value", "list"
HELP = "minidocker run --help"

# (names, kind, placeholder, group, help)
RUN: tuple[tuple[tuple[str, ...], str, str, str, str], ...] = (
    (("--name",), VALUE, "NAME", "as in Docker", "give the container a name"),
    (("--rm",), FLAG, "", "as in Docker", "remove the container when it ends"),
    (("-i", "--interactive"), FLAG, "", "as in Docker", "keep standard input open"),
    (("-t", "--tty"), FLAG, "", "as in Docker", "give it a terminal (for a shell: -it)"),
    (("-e", "--env"), LIST, "NAME=VALUE", "as in Docker",
     "set a variable; NAME alone takes yours"),
    (("--env-file",), LIST, "FILE", "as in Docker", "read variables, one NAME=VALUE a line"),
    (("-w", "--workdir"), VALUE, "DIR", "as in Docker", "start in this directory"),
    (("-u", "--user"), VALUE, "USER[:GROUP]", "as in Docker", "run as this user (name or number)"),
    (("-h", "--hostname"), VALUE, "NAME", "as in Docker", "the host name inside"),
    (("--domainname",), VALUE, "NAME", "as in Docker", "the NIS domain name inside"),
    (("--entrypoint",), VALUE, "PROGRAM", "as in Docker", "run this instead of the image's own"),
    (("-v", "--volume"), LIST, "SRC:DST[:ro]", "as in Docker", "show a host path inside"),
    (("--tmpfs",), LIST, "DST[:OPTIONS]", "as in Docker", "an empty file system in memory"),
    (("--read-only",), FLAG, "", "as in Docker", "make the root read-only"),
    (("--init",), FLAG, "", "as in Docker", "a PID 1 that reaps orphans and passes signals on"),
    (("--shm-size",), VALUE, "SIZE", "as in Docker", "size of /dev/shm; 64m if not said"),
    (("--ipc",), VALUE, "MODE", "walls to share",
     "private, host, or container:NAME (shared memory, with /dev/shm)"),
    (("--uts",), VALUE, "MODE", "walls to share", "private or host (the host name)"),
    (("--pid",), VALUE, "MODE", "walls to share", "private, host, or container:NAME (processes)"),
    (("--userns",), VALUE, "MODE", "walls to share",
     "private or host (user ids); private for all but root"),
    (("--uidmap",), LIST, "IN:OUT:COUNT", "walls to share",
     "these user ids inside are those outside; a user namespace"),
    (("--gidmap",), LIST, "IN:OUT:COUNT", "walls to share", "the same for groups"),
    (("--network",), VALUE, "MODE", "network",
     "none (loopback alone; if not said), bridge, a network's NAME, host, or container:NAME"),
    (("-p", "--publish"), LIST, "[ADDRESS:]PORT:PORT[/udp]", "network",
     "let a port of this host lead to one of the container's; ranges too"),
    (("--network-alias",), LIST, "NAME", "network", "one more name for its neighbours"),
    (("--ip",), VALUE, "ADDRESS", "network", "this address of the network, if it is free"),
    (("--cap-add",), LIST, "NAME", "rights", "add a capability, such as NET_ADMIN, or ALL"),
    (("--cap-drop",), LIST, "NAME", "rights", "take a capability away, or ALL"),
    (("--security-opt",), LIST, "OPTION", "rights",
     "no-new-privileges, seccomp=FILE|unconfined, systempaths=unconfined"),
    (("--privileged",), FLAG, "", "rights", "every right that root has here; a wall less for each"),
    (("--device",), LIST, "NODE[:PATH]", "rights", "let a device node of the host work inside"),
    (("--ulimit",), LIST, "NAME=SOFT[:HARD]", "rights",
     "a limit of each process, such as nofile=1024"),
    (("-m", "--memory"), VALUE, "SIZE", "limits (cgroup v2)",
     "memory at most, such as 64m; half of the machine's if nothing is said"),
    (("--memory-swap",), VALUE, "SIZE", "limits (cgroup v2)",
     "memory and swap together; -1 is no limit"),
    (("--cpus",), VALUE, "N", "limits (cgroup v2)", "CPU time at most, such as 0.5"),
    (("--cpu-shares",), VALUE, "N", "limits (cgroup v2)", "share of a busy CPU; 1024 is ordinary"),
    (("--pids-limit",), VALUE, "N", "limits (cgroup v2)",
     "processes at most, -1 is no limit; 2048 if nothing is said"),
    (("--rootfs",), VALUE, "DIR", "our own", "use this directory as the root, as it is; no IMAGE"),
    (("--layer",), LIST, "DIR", "our own", "a read-only layer, bottom first; no IMAGE"),
    (("--boottime-offset",), VALUE, "SECONDS", "our own",
     "move the clock since boot, in a time namespace"),
    (("--stages",), VALUE, "LIST", "our own",
     "only these walls: pid,mounts or ..mounts (up to that lesson)"),
    (("--stage",), LIST, "NAME=FILE", "our own", "take a stage's parts from a file of yours"),
    (("--mine",), FLAG, "", "our own", "take every part that you have written from exercises/"),
    (("--explain",), FLAG, "", "our own", "tell each step while it is done"),
    (("--dry-run",), FLAG, "", "our own", "tell each step and do none; on any system"),
    (("--on",), VALUE, "MACHINE", "our own", "run it in the lab machine: vm or vagrant"),
    (("--fresh",), FLAG, "", "our own", "with --on vm: put that machine back first"),
    (("--help",), FLAG, "", "our own", "show this text"),
)  # fmt: skip

USAGE = "minidocker run [OPTIONS] [IMAGE] [COMMAND [ARG…]]"
EXAMPLES = """\
examples:
  minidocker run base echo hello             a command in the small base image
  minidocker run -it base                    a shell; Ctrl-D leaves it
  minidocker run --explain base true         each step, in the kernel's words and the shell's
  minidocker run --stages pid ps -e          one wall only: ps still shows the host. Why?
  minidocker run --stages ..mounts ps -e     two lessons later it does not
  minidocker run --mine base sh              the same, with the parts that you have written

The exit status is the command's own; 125 is minidocker's, 126 "cannot be run", 127 "not found",
128+n "killed by signal n"."""


def parse(argv: list[str]) -> tuple[dict[str, object], list[str]]:
    """Read options up to the first other word: ({long name: value}, the rest).

    Flags give True, values the last text, lists every text. As in Docker: `-it`, `-e X=1`,
    `-eX=1`, `--env=X=1`, and `--` ends the options. Anything else raises UsageError.
    """
    kinds = {name: (names[-1][2:], kind) for names, kind, *_ in RUN for name in names}
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
        if name not in kinds:
            raise UsageError(f"run has no option {name}", _nearest(name, list(kinds)))
        key, kind = kinds[name]
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


def _nearest(name: str, names: list[str]) -> str:
    """Say the option that looks most like this one."""
    from difflib import get_close_matches

    close = get_close_matches(name, names, 1)
    return f"did you mean {close[0]}?" if close else HELP


def help_parser() -> ArgumentParser:
    """Build an argparse parser from the table, for its help text."""
    import argparse

    parser = argparse.ArgumentParser(
        usage=USAGE,
        description="Run a command in a container made of walls that you can choose and replace.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
    )
    groups: dict[str, argparse._ArgumentGroup] = {}
    for names, kind, placeholder, group, text in RUN:
        if group not in groups:
            groups[group] = parser.add_argument_group(group)
        if kind == FLAG:
            groups[group].add_argument(*names, action="store_true", help=text)
        else:
            groups[group].add_argument(*names, metavar=placeholder, help=text)
    return parser
