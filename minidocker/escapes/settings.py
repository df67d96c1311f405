"""Escapes by settings of the one kernel: /proc/sys, sysrq, kcore, the kernel log, cgroup trees.

Where a write would change the whole machine, the attack opens the file for writing and goes no
further: the kernel decides at the open, and the probe sees the open file from outside.
"""

from __future__ import annotations

import os
import secrets

from minidocker.errors import Blocked
from minidocker.escapes.escape import Escape
from minidocker.escapes.yard import Yard
from minidocker.proc import processes

UNMASK = """\
umount /proc/sys
exec 3>>/proc/sys/kernel/core_pattern && sleep 9"""
RELEASE_AGENT = """\
mkdir /tmp/tree && mount -t cgroup -o $M_TREE tree /tmp/tree &&
exec 3>>/tmp/tree/release_agent && sleep 9"""
MOVE = """\
for tree in /sys/fs/cgroup /sys/fs/cgroup/unified; do
  echo $$ > $tree/$M_GROUP/cgroup.procs && sleep 9
done
mkdir /tmp/tree && mount -t cgroup2 tree /tmp/tree && echo $$ > /tmp/tree/$M_GROUP/cgroup.procs &&
sleep 9"""
KERNEL_LOG = """
room = ctypes.create_string_buffer(1 << 20)
length = call("syslog", 3, room, len(room))     # SYSLOG_ACTION_READ_ALL
print(room.raw[:length].decode(errors="replace")[-3000:])
"""


def sysrq_open(yard: Yard) -> bool:
    """The attack has sysrq-trigger open for writing; one letter more would restart the machine."""
    return yard.holds_file("/sysrq-trigger")


def core_pattern_open(yard: Yard) -> bool:
    """The attack has core_pattern open for writing: what it names is run as root, on the host."""
    return yard.holds_file("/core_pattern")


def kcore_open(yard: Yard) -> bool:
    """The attack has the kernel's memory open."""
    return yard.holds_file("/kcore", write=False)


def release_agent_open(yard: Yard) -> bool:
    """The attack has a release_agent open for writing: what it names is run on the host."""
    return yard.holds_file("/release_agent")


def yard_renamed(yard: Yard) -> bool:
    """The yard has another host name."""
    return os.uname().nodename == f"owned-{yard.facts['M_NONCE']}"


def make_group(yard: Yard) -> None:
    """Make another group in the yard's part of the tree."""
    name = f"minidocker.cell.{yard.order['server']}.{secrets.token_hex(4)}"
    tree = "/sys/fs/cgroup" if yard.order["own_cgroup"] else "/sys/fs/cgroup/unified"
    os.mkdir(f"{tree}/{name}")
    yard.facts["M_GROUP"] = name
    yard.groups.append(name)


def moved(yard: Yard) -> bool:
    """A process of the attack's is in the other group."""
    return any(_in_group(pid, yard.facts["M_GROUP"]) for pid in yard.pids())


def _in_group(pid: int, name: str) -> bool:
    try:
        return any(one.path.endswith("/" + name) for one in processes.cgroups(pid))
    except (LookupError, PermissionError):
        return False


def name_a_tree(yard: Yard) -> None:
    """Tell the attack a cgroup tree of version 1 that the machine has: only there is that file."""
    trees = [data for _, kind, data in yard.order["cgroups"] if kind == "cgroup"]
    if not trees:
        raise Blocked("the file is in trees of version 1, and this machine has none")
    yard.facts["M_TREE"] = trees[0]


def log_read(yard: Yard) -> bool:
    """The attack has printed the line that stands last in the kernel's log."""
    return bool(yard.log) and yard.log in yard.printed()


def read_log(yard: Yard) -> None:
    """Read the kernel's log ourselves, to know what the attack must not see."""
    lines = [line for line in yard.python(KERNEL_LOG).splitlines() if len(line) > 20]
    yard.log = lines[-1].strip() if lines else ""


def boot_id_read(yard: Yard) -> bool:
    """The attack has printed the number by which this machine's boot can be known."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as text:
        return text.read().strip() in yard.printed()


ESCAPES = (
    Escape("sysctl_write", "write under /proc/sys: here the host name, uts namespace shared",
           "proc_sys(5)", "echo owned-$M_NONCE > /proc/sys/kernel/hostname",
           options=("--uts", "host"), probe=yard_renamed),
    Escape("core_pattern", "open core_pattern for writing: it names a program to run on the host",
           "core(5)", "exec 3>>/proc/sys/kernel/core_pattern && sleep 9",
           probe=core_pattern_open),
    Escape("sysrq", "open sysrq-trigger for writing: one letter restarts the machine",
           "proc_sysrq-trigger(5)", "exec 3>>/proc/sysrq-trigger && sleep 9", probe=sysrq_open),
    Escape("unmask", "take the mask of /proc/sys away, then open core_pattern for writing",
           "umount(2)", UNMASK, probe=core_pattern_open),
    Escape("kcore", "open the kernel's memory as a file", "proc_kcore(5)",
           "exec 3</proc/kcore && sleep 9", probe=kcore_open),
    Escape("release_agent", "mount a cgroup tree and open its release_agent: it runs on the host",
           "CVE-2022-0492", RELEASE_AGENT, setup=name_a_tree, probe=release_agent_open),
    Escape("cgroup_move", "leave the own cgroup by writing to another's cgroup.procs",
           "cgroups(7)", MOVE, setup=make_group, probe=moved),
    Escape("kernel_log", "read the kernel's log, which tells addresses and hardware", "syslog(2)",
           KERNEL_LOG, python=True, setup=read_log, probe=log_read),
    Escape("boot_id", "know by boot_id which machine this is, and which containers share it",
           "random(4)", "cat /proc/sys/kernel/random/boot_id", probe=boot_id_read,
           kernel_only=True),
)  # fmt: skip
