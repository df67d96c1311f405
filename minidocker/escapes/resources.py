"""Escapes by taking all there is: processes, memory, files; and by what all share, as the clock.

Most of them run in the lab machine only, where nobody else is hurt.
"""

from __future__ import annotations

import glob
import os
import time

from minidocker.errors import Blocked
from minidocker.escapes.calls import CLOCK, MODULE
from minidocker.escapes.escape import Escape
from minidocker.escapes.yard import INODES, PLACE, Yard

FORK_BOMB = "while :; do sleep 60 & done"
MANY = 2100  # processes: more than our default allows a container
MEMORY_HOG = """
import os, time
held, most = [], os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * 3 // 5
while len(held) << 24 < most:    # then it stays, for all to see: who goes on is killed
    held.append(bytearray(b"x") * (16 << 20))
time.sleep(60)
"""

EMPTY_FILES = """
mkdir $M_BASE/tmp/many; cd $M_BASE/tmp/many; n=0
while : > f$n; do
    n=$((n+1)); [ $((n%1000)) = 0 ] && sleep 0.02    # as slow as a quick disk
done 2>/dev/null
sleep 60
"""


def no_inode_left(yard: Yard) -> bool:
    """Nobody can make a file on the yard's disk any more."""
    return os.statvfs(PLACE).f_favail < INODES // 200


def too_many(yard: Yard) -> bool:
    """The yard has more processes than a container may have."""
    return sum(name.isdigit() for name in os.listdir("/proc")) > MANY


def most_memory(yard: Yard) -> bool:
    """The attack holds more than 55 of 100 of the machine's memory: our default is half."""
    size = sum(int((yard.status(pid, "VmRSS") or ["0"])[0]) for pid in yard.pids())
    return size * 1024 > os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * 0.55


def note_clock(yard: Yard) -> None:
    """Note how far the time of day is from the clock that nobody can set."""
    yard.offset = time.time() - time.monotonic()


def clock_moved(yard: Yard) -> bool:
    """The time of day of the whole machine has jumped. It is put back at once."""
    if abs(time.time() - time.monotonic() - yard.offset) < 3600:
        return False
    time.clock_settime(time.CLOCK_REALTIME, time.monotonic() + yard.offset)
    return True


def choose_module(yard: Yard) -> None:
    """Choose a small module that this machine has, and has not loaded."""
    found = glob.glob(f"/lib/modules/{os.uname().release}/kernel/drivers/net/dummy.ko")
    if not found:
        raise Blocked("this machine has no dummy.ko to load")
    with open(found[0], "rb") as module, open("/yard/volume/dummy.ko", "wb") as copy:
        copy.write(module.read())
    yard.facts["M_MODULE"] = f"{yard.facts['M_VOLUME']}/dummy.ko"


def module_loaded(yard: Yard) -> bool:
    """The module is in the kernel of the whole machine. It is taken out at once."""
    with open("/proc/modules", encoding="ascii") as table:
        if not any(line.startswith("dummy ") for line in table):
            return False
    yard.python('call("delete_module", b"dummy", 0o4000)')
    return True


ESCAPES = (
    Escape("fork_bomb", "fill the machine's table of processes", "fork(2)", FORK_BOMB,
           needs=("cgroup2",), seconds=40, probe=too_many),
    Escape("memory_hog", "take all memory, so that the kernel kills others", "malloc(3)",
           MEMORY_HOG, python=True, needs=("vm", "cgroup2"), seconds=40,
           probe=most_memory),
    Escape("inodes", "fill the host's disk with empty files", "inode(7)", EMPTY_FILES,
           seconds=40, probe=no_inode_left),
    Escape("clock", "set the time of day, which the whole machine shares", "clock_settime(2)",
           CLOCK, python=True, needs=("vm",), setup=note_clock, probe=clock_moved),
    Escape("module", "load a module into the kernel", "init_module(2)", MODULE, python=True,
           volume=True, needs=("vm",), setup=choose_module, probe=module_loaded),
)  # fmt: skip
