"""Options of `docker run` that `minidocker run` has not: refused by name, with the reason.

A few say what is so in any case, such as `--sig-proxy`: those are taken, and change nothing.
Loaded only when one of them, or a word that is no option at all, was typed.
"""

from __future__ import annotations

from minidocker.errors import FlagError, UsageError
from minidocker.spec.words import HELP

FLAG, VALUE = False, True
FALSE, TRUE = ("0", "f", "F", "FALSE", "false", "False"), ("1", "t", "T", "TRUE", "true", "True")
WINDOWS = "it is for containers of Windows"
BLOCKS = "limits on disks are not built here: memory, swap, CPUs and processes are"

# name → (takes a value, why it is refused, the values that change nothing and are taken)
REFUSED: dict[str, tuple[bool, str, tuple[str, ...]]] = {
    "--blkio-weight": (VALUE, BLOCKS, ("0",)),
    "--blkio-weight-device": (VALUE, BLOCKS, ()),
    "--cgroup-parent": (VALUE, "our cgroups lie in one place, where prune finds lost ones", ("",)),
    "--cgroupns": (VALUE, "the host's cgroups would show what else runs there",
                   ("", "private")),
    "--cpu-count": (VALUE, WINDOWS, ("0",)),
    "--cpu-percent": (VALUE, WINDOWS, ("0",)),
    "--cpu-rt-period": (VALUE, "cgroup version 2 has no such limit", ("0",)),
    "--cpu-rt-runtime": (VALUE, "cgroup version 2 has no such limit", ("0",)),
    "--device-cgroup-rule": (
        VALUE, "rules on devices are programs of the cgroup, and here each node is a mount: "
        "--device shows one", ()),
    "--device-read-bps": (VALUE, BLOCKS, ()),
    "--device-read-iops": (VALUE, BLOCKS, ()),
    "--device-write-bps": (VALUE, BLOCKS, ()),
    "--device-write-iops": (VALUE, BLOCKS, ()),
    "--disable-content-trust": (FLAG, "no signature of an image is looked at", TRUE),
    "--gpus": (VALUE, "a driver's libraries would have to be brought in; --device shows a node",
               ()),
    "--io-maxbandwidth": (VALUE, WINDOWS, ("0",)),
    "--io-maxiops": (VALUE, WINDOWS, ("0",)),
    "--ip6": (VALUE, "our networks have no IPv6", ()),
    "--isolation": (VALUE, WINDOWS, ("", "default")),
    "--kernel-memory": (VALUE, "cgroup version 2 has no such limit: -m counts the kernel's too",
                        ("0",)),
    "--link": (VALUE, "Docker calls it old, too: containers of a network find each other by name",
               ()),
    "--link-local-ip": (VALUE, "an address comes from the network: --ip asks for one", ()),
    "--memory-swappiness": (VALUE, "cgroup version 2 has no such setting", ("-1",)),
    "--oom-kill-disable": (FLAG, "cgroup version 2 has no such switch", FALSE),
    "--runtime": (VALUE, "minidocker is the runtime", ()),
    "--sig-proxy": (FLAG, "nothing else could end the container: signals are passed on", TRUE),
    "--storage-opt": (VALUE, "layers are overlay directories, which have no size of their own", ()),
    "--use-api-socket": (FLAG, "there is no daemon, and so no socket of one", FALSE),
    "--volume-driver": (VALUE, "volumes are directories of the store, and there is no other kind",
                        ("", "local")),
}  # fmt: skip


def skip(
    word: str, name: str, attached: bool, value: str, rest: list[str], known: list[str]
) -> None:
    """Pass over an option of Docker's that changes nothing here, or raise UsageError.

    What follows it in `rest` is its value where it has one and none is `attached`. `known` are the
    names of the options that we have.
    """
    if name not in REFUSED:
        raise unknown(word, name, known)
    wants, reason, idle = REFUSED[name]
    if wants and not attached:
        value = rest.pop(0) if rest else ""
    elif not wants and not attached:
        value = "true"
    if value not in idle:
        said = f"{name} {value}".rstrip() if wants else name
        raise FlagError(f"{said} is refused: {reason}", f"leave {name} out")


def unknown(word: str, name: str, known: list[str]) -> UsageError:
    """Say which option is meant by one that is none."""
    from minidocker.spec.near import nearest

    close = nearest(name, [*known, *REFUSED]) if name.startswith("--") else ""
    docker = (
        f"unknown flag: {name}" if name.startswith("--")
        else f"unknown shorthand flag: '{name[1:]}' in {word}"
    )  # fmt: skip
    return FlagError(
        f"run has no option {name}", f"did you mean {close}?" if close else HELP, docker=docker
    )
