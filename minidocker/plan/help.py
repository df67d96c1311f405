"""What `minidocker run --help` prints: an argparse parser made from the options' declarations."""

from __future__ import annotations

import argparse

from minidocker.plan.options import RUN
from minidocker.spec.words import FLAG

# In which order a reader looks for them. An option that is not named here ends its group.
ORDER = (
    "name", "rm", "detach", "pull", "platform", "quiet", "interactive", "tty", "detach-keys", "env",
    "env-file", "workdir", "user", "group-add",
    "hostname", "domainname", "entrypoint", "volume", "mount", "volumes-from", "tmpfs", "read-only",
    "init", "shm-size", "label", "label-file", "annotation", "cidfile", "stop-signal",
    "stop-timeout", "restart", "health-cmd", "health-interval", "health-timeout",
    "health-retries", "health-start-period", "health-start-interval", "no-healthcheck",
    "log-driver", "log-opt", "pod", "ipc", "uts", "pid", "userns", "uidmap", "gidmap",
    "network", "publish", "publish-all", "expose", "network-alias", "ip", "mac-address",
    "add-host", "dns", "dns-search", "dns-option",
    "cap-add", "cap-drop", "security-opt", "privileged", "device", "sysctl", "ulimit",
    "oom-score-adj", "memory", "memory-swap", "memory-reservation", "cpus", "cpu-quota",
    "cpu-period", "cpu-shares", "cpuset-cpus", "cpuset-mems", "pids-limit",
    "rootfs", "layer", "boottime-offset", "stages", "stage", "mine", "unsafe", "explain", "dry-run",
    "on", "fresh", "help",
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


def help_parser() -> argparse.ArgumentParser:
    """Build an argparse parser from the declarations, for its help text."""
    parser = argparse.ArgumentParser(
        usage=USAGE,
        description="Run a command in a container made of walls that you can choose and replace.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
    )
    groups: dict[str, argparse._ArgumentGroup] = {}
    last = len(ORDER)
    place = {key: number for number, key in enumerate(ORDER)}
    for option in sorted(RUN, key=lambda option: place.get(option.key, last)):
        if option.group not in groups:
            groups[option.group] = parser.add_argument_group(option.group)
        group = groups[option.group]
        if option.kind == FLAG:
            group.add_argument(*option.names, action="store_true", help=option.help)
        else:
            group.add_argument(*option.names, metavar=option.placeholder, help=option.help)
    return parser
