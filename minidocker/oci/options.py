"""Options: runc's words, global ones and those of each verb. runc(8)

As Go's flags are read: `--bundle B`, `--bundle=B`, `-b B`, and also `-bundle B`.
"""

from __future__ import annotations

from minidocker.errors import UsageError
from minidocker.spec.option import FLAG, VALUE, Option

HELP = "minidocker oci --help"


def option(names: str, placeholder: str, help: str) -> Option:
    """Return an option; one without a placeholder is a flag."""
    return Option(names, VALUE if placeholder else FLAG, placeholder, "", help)


GLOBAL = (
    option("--root", "DIR", "where records are; /run/minidocker-runtime, or yours"),
    option("--log", "FILE", "where errors are written, too"),
    option("--log-format", "FORMAT", "text or json"),
    option("--debug", "", "more in the log"),
    option("--systemd-cgroup", "", "refused: take the cgroup manager cgroupfs"),
    option("--cgroup-manager", "NAME", "as crun has it: cgroupfs, or disabled for no cgroup"),
    option("--log-level", "LEVEL", "error, warning or debug, as crun has it"),
    option("--rootless", "MODE", "true, false or auto; we look for ourselves"),
    option("-v --version", "", "our version, and that of the specification"),
    option("-h --help", "", "this text"),
)  # fmt: skip
BUNDLE = option("-b --bundle", "DIR", "where config.json is; the working directory if not said")
CONFIG = option("-f --config", "FILE", "another name for config.json, as crun has it")
CONSOLE = option("--console-socket", "SOCKET", "send the terminal's other side there")
PID_FILE = option("--pid-file", "FILE", "write the pid there, when all is ready")
NO_PIVOT = option("--no-pivot", "", "change the root without pivot_root(2), for an initramfs")
KEYRING = option("--no-new-keyring", "", "the container keeps the caller's keyring")
PRESERVE = option("--preserve-fds", "N", "leave N descriptors from 3 on to the command")
SUBREAPER = option("--no-subreaper", "", "nothing any more, as in crun")
REGEX = option("-r --regex", "", "ID is a pattern: each container that it fits, as crun has it")
PIDFD = option("--pidfd-socket", "SOCKET", "send a descriptor of the process there")
FORMAT = option("-f --format", "FORMAT", "table or json")
MAKING = (BUNDLE, CONFIG, CONSOLE, PID_FILE, PIDFD, NO_PIVOT, KEYRING, PRESERVE, SUBREAPER)
# verb → how it is written, what it does, its options
VERBS: dict[str, tuple[str, str, tuple[Option, ...]]] = {
    "create": ("ID", "make a container; its command waits", MAKING),
    "start": ("ID", "let the command go", ()),
    "run": ("ID", "create, start, and wait for the end", (
        *MAKING, option("-d --detach", "", "do not wait"),
        option("--keep", "", "leave the container when it has ended"),
    )),
    "state": ("ID", "what it is now, as JSON", ()),
    "kill": ("ID [SIGNAL]", "send a signal; SIGTERM if not said", (
        option("-a --all", "", "to every process of the container"), REGEX,
    )),
    "delete": ("ID", "remove a container that has ended", (
        option("-f --force", "", "kill it first; one that is not there is fine"), REGEX,
    )),
    "list": ("", "the containers of this root", (
        FORMAT, option("-q --quiet", "", "the ids alone"),
    )),
    "exec": ("ID COMMAND…", "one more process in a container", (
        option("-p --process", "FILE", "what to run, as process in config.json"),
        option("-d --detach", "", "do not wait"), CONSOLE, PID_FILE, PIDFD, PRESERVE,
        option("-t --tty", "", "a terminal"), option("--cwd", "DIR", "its working directory"),
        option("-u --user", "UID[:GID]", "as whom"),
        Option("-g --additional-gids", "list", "GID", "", "in one more group"),
        Option("-e --env", "list", "NAME=VALUE", "", "one more variable"),
        option("--no-new-privs", "", "no exec gives more rights"),
        Option("-c --cap", "list", "NAME", "", "one more capability"),
        Option("--cgroup", "list", "[CONTROLLERS:]PATH", "", "in a cgroup below the container's"),
        option("--ignore-paused", "", "also while it is paused: it waits until resume"),
        option("--apparmor", "PROFILE", "confined by another profile"),
        option("--process-label", "LABEL", "refused, as in config.json"),
    )),
    "ps": ("ID [PS OPTIONS…]", "its processes, as ps(1) shows them", (FORMAT,)),
    "pause": ("ID", "stop every process of it", ()),
    "resume": ("ID", "let them go on", ()),
    "update": ("ID", "other limits", (
        option("-r --resources", "FILE", "linux.resources as JSON; - is standard input"),
        option("--memory", "BYTES", "memory, such as 50M; -1 is no limit"),
        option("--memory-swap", "BYTES", "with swap"),
        option("--memory-reservation", "BYTES", "taken last"),
        option("--cpu-period", "N", "microseconds"), option("--cpu-quota", "N", "microseconds"),
        option("--cpu-share", "N", "share of a busy CPU"),
        option("--cpuset-cpus", "LIST", "only these CPUs"),
        option("--cpuset-mems", "LIST", "only these nodes"),
        option("--pids-limit", "N", "processes"),
        option("--cpu-burst", "N", "microseconds above the quota"),
        option("--cpu-idle", "N", "1: only what others leave"),
        option("--blkio-weight", "N", "share of a busy disk"),
        option("--cpu-rt-period", "N", "of realtime processes, version 1"),
        option("--cpu-rt-runtime", "N", "of realtime processes, version 1"),
        option("--kernel-memory", "BYTES", "nothing any more, as in runc"),
        option("--kernel-memory-tcp", "BYTES", "nothing any more, as in runc"),
    )),
    "events": ("ID", "what it uses, as JSON, again and again", (
        option("--stats", "", "once"), option("--interval", "TIME", "such as 5s"),
    )),
    "spec": ("", "write an example of config.json", (
        BUNDLE, option("--rootless", "", "for an ordinary user"),
    )),
    "features": ("", "what this runtime does, as JSON", ()),
}  # fmt: skip
# Verbs whose words after the ID belong to another program; in all others options may come last.
TO_OTHERS = ("exec", "ps")
# Words of runc's that are not done: each is refused by its name.
REFUSED = {
    "checkpoint": "the state of processes is not saved here", "restore": "nothing was saved here",
}  # fmt: skip


def parse(
    argv: list[str], options: tuple[Option, ...], verb: str = ""
) -> tuple[dict[str, object], list[str]]:
    """Read options: ({long name: value}, the other words).

    Up to the first other word, or, for most verbs, among them: `update ID --memory 50M`.
    """
    mixed = bool(verb) and verb not in TO_OTHERS
    others: list[str] = []
    known = {name.lstrip("-"): one for one in options for name in one.names}
    found: dict[str, object] = {}
    rest = list(argv)
    while rest and (mixed or (rest[0].startswith("-") and rest[0] != "-")):
        word = rest.pop(0)
        if not word.startswith("-") or word == "-":
            others.append(word)
            continue
        if word == "--":
            break
        name, equals, value = word.lstrip("-").partition("=")
        if name not in known:
            raise UsageError(f"there is no option {word}{f' of {verb}' if verb else ''}", HELP)
        one = known[name]
        if one.kind == FLAG:
            if equals and value not in ("true", "false"):
                raise UsageError(f"{word}: a flag is true or false", HELP)
            found[one.key] = value != "false"
            continue
        if not equals:
            if not rest:
                raise UsageError(f"{word} needs a value", HELP)
            value = rest.pop(0)
        if one.kind == VALUE:
            found[one.key] = value
        else:
            found.setdefault(one.key, []).append(value)  # type: ignore[attr-defined]
    return found, others + rest


def help_text(verb: str = "") -> str:
    """Return what --help prints: of a verb, or of all."""
    if verb in REFUSED:
        return f"NAME:\n  minidocker oci {verb} - not done: {REFUSED[verb]}"
    if verb:
        how, what, options = VERBS[verb]
        head = ["NAME:", f"  minidocker oci {verb} - {what}", "", "USAGE:",
                f"  minidocker oci {verb} [OPTIONS] {how}".rstrip(), "", "OPTIONS:"]  # fmt: skip
    else:
        head, options = ["NAME:", "  minidocker oci - the runtime that Podman, containerd and "
                         "Docker call", "", "USAGE:", "  minidocker oci [OPTIONS] VERB …", "",
                         "VERBS:"], GLOBAL  # fmt: skip
        head += [f"  {f'{name} {how}':<28} {what}" for name, (how, what, _) in VERBS.items()] + [""]
    for one in options:
        said = " ".join((*one.names, one.placeholder))
        head.append(f"  {said:<28} {one.help}")
    return "\n".join(head)
