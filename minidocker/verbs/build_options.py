"""What else `docker build` takes: passed on to each RUN, taken since it is so here, or refused."""

from __future__ import annotations

from minidocker.errors import FlagError

TRUE = ("1", "t", "T", "TRUE", "true", "True")
FALSE = ("0", "f", "F", "FALSE", "false", "False")
OWN = ("--no-cache", "--pull", "--quiet")  # flags that build has: `--pull=true` is one, too
# What is so in any case, or is only about how the work is done: flags,
TAKEN = ("--rm", "--force-rm", "--compress", "--load", "--disable-content-trust")
# and options with a value; those of the second line limit each RUN, as they limit a run.
TAKEN_VALUES = ("--cache-from", "--builder")
LIMITS = (
    "--memory", "--memory-swap", "--cpu-shares", "--cpu-period", "--cpu-quota", "--cpuset-cpus",
    "--cpuset-mems", "--shm-size", "--ulimit", "--add-host",
)  # fmt: skip
SHORT = {"-m": "--memory", "-c": "--cpu-shares", "-o": "--output"}
# name → (takes a value, why it is refused, the values that change nothing and are taken)
REFUSED: dict[str, tuple[bool, str, tuple[str, ...]]] = {
    "--allow": (True, "no RUN gets more rights than a run", ()),
    "--annotation": (True, "--label writes into the image's configuration", ()),
    "--attest": (True, "no attestation is made", ()),
    "--build-context": (True, "COPY --from=IMAGE, or a directory of the context", ()),
    "--cache-to": (True, "the cache is in the store", ()),
    "--call": (True, "a Dockerfile is looked at before its first step in any case", ("build",)),
    "--cgroup-parent": (True, "our cgroups lie in one place, where prune finds lost ones", ("",)),
    "--check": (False, "a Dockerfile is looked at before its first step in any case", FALSE),
    "--isolation": (True, "it is for containers of Windows", ("", "default")),
    "--metadata-file": (True, "--iidfile writes the image's id", ()),
    "--no-cache-filter": (True, "--no-cache does every step again", ()),
    "--output": (True, "the image goes into the store: minidocker save", ("type=docker",)),
    "--provenance": (True, "no attestation is made", FALSE),
    "--push": (False, "minidocker push NAME, when it is built", FALSE),
    "--sbom": (True, "no list of software is made", FALSE),
    "--security-opt": (True, "a RUN has the walls of `minidocker run`", ()),
    "--squash": (False, "an image keeps its layers", FALSE),
    "--ssh": (True, "no socket of the host is shown to a RUN: --secret takes a file", ()),
}


def sort(argv: list[str]) -> tuple[list[str], list[str]]:
    """Return (what the parser of build shall read, options of `run` for every RUN).

    UsageError names what is refused, and says why.
    """
    ours: list[str] = []
    limits: list[str] = []
    words = list(argv)
    while words:
        word = words.pop(0)
        if word == "--":
            return [*ours, word, *words], limits
        given, equals, value = word.partition("=")
        name = SHORT.get(given, given)
        if word[:2] in SHORT and not equals and len(word) > 2:  # -m1g
            name, equals, value = SHORT[word[:2]], "=", word[2:]
        if name in OWN and equals:
            ours += [name] * _is_set(name, value)
        elif name in TAKEN:
            _is_set(name, value if equals else "true")
        elif name in TAKEN_VALUES or name in LIMITS:
            value = value if equals else _next(name, words)
            limits += [name, value] if name in LIMITS else []
        elif name in REFUSED:
            wants, why, idle = REFUSED[name]
            if not equals:
                value = _next(name, words) if wants else "true"
            if value not in idle:
                raise FlagError(f"build {f'{name} {value}' if wants else name} is refused: {why}",
                                f"leave {name} out")  # fmt: skip
        else:
            ours.append(word)
    return ours, limits


def _next(name: str, words: list[str]) -> str:
    if not words:
        raise FlagError(f"build: {name} wants a value", f"{name}=…",
                        docker=f"flag needs an argument: {name}")  # fmt: skip
    return words.pop(0)


def _is_set(name: str, value: str) -> bool:
    if value not in (*TRUE, *FALSE):
        raise FlagError(f"build: {name}={value} is neither true nor false", name)
    return value in TRUE
