"""Lesson 05: cgroups.

What you build here: `limits`, `make_cgroup` and `remove`, three parts of the `cgroup` stage. When
they pass, `minidocker run --mine -m 64m IMAGE COMMAND` limits a container with *your* code.

`kernel` has one method for each system call: kernel.mkdir(path), kernel.rmdir(path),
kernel.fork(), kernel.getpid(), kernel.kill(pid, signal). kernel.read(path) returns a file's whole
text, kernel.write(path, text) writes a text in one call: cgroup files want that.
What the kernel refuses raises an OSError.

The comments in the functions name subgoals, by the same six words in lessons 01 to 05:
    look: at what is there    build: what you ask for          ask: the kernel for it
    check: what it means      let go: of what must not stay    tell: return it, or raise

Judge your work with:  minidocker grade 05
Some checks need cgroup version 2 with its controllers: the lab machine has them.
"""

from __future__ import annotations

import math
import os
import time
from errno import EBUSY

from minidocker.kernel.flags import SIGKILL

ROOT = "/sys/fs/cgroup"
CONTROLLERS = ("cpu", "memory", "pids")
PERIOD = 100_000  # microseconds: the period of cpu.max


# 1. WORKED EXAMPLE (rung R1). Run it as it is, read the message, change one word. (1 line)
def place(kernel, path, pid):
    """Move the process `pid` into the cgroup whose directory is `path`.

    Children that it makes from now on are born there. Those that it has already stay behind.
    See cgroups(7), and the kernel's admin-guide/cgroup-v2.
    """
    file = "cgroup.procs"  # tasks? cgroup.procs? One of them is the name in version 1.
    # ask: to move the process
    kernel.write(f"{path}/{file}", str(pid))


# 2. HOLE (rung R4). Fill in what stands as `...`: each value is a text. (4 lines)
def limits(resources):
    """Turn the limits that a user asked for into {file: text} of a cgroup.

    resources has these numbers; None means: not asked for, so its file is left out.
      memory  bytes                           memory.max: bytes, or "max" for no limit
      swap    bytes of memory and swap        memory.swap.max: bytes of swap alone, or "max".
              together; negative: no limit    Not asked for: twice the memory, together.
      cpus    such as 0.5: half a processor   cpu.max: microseconds, a space, and the period
      shares  2 to 262144                     cpu.weight: given, see weight()
      pids    processes; negative: no limit   pids.max: a number, or "max"
    """
    # build: a text for each limit that is asked for
    files = {}
    if resources.memory is not None:
        swap = resources.swap if resources.swap is not None else 2 * resources.memory
        files["memory.max"] = str(resources.memory)
        files["memory.swap.max"] = "max" if swap < 0 else str(swap - resources.memory)
    if resources.cpus is not None:
        files["cpu.max"] = f"{round(resources.cpus * PERIOD)} {PERIOD}"
    if resources.shares is not None:
        files["cpu.weight"] = str(weight(resources.shares))
    if resources.pids is not None:
        files["pids.max"] = "max" if resources.pids < 0 else str(resources.pids)
    # tell: which file gets which text
    return files


def weight(shares):
    """Turn --cpu-shares (2 to 262144) into cpu.weight (1 to 10000): 1024 becomes 100.

    Given; nothing to do here. The formula is the one that runc and crun use today.
    """
    power = math.log2(shares)
    return math.ceil(10 ** ((power * power + 125 * power) / 612 - 7 / 34))


# 3. HOLE (rung R4). The limits need their controllers, all the way down. (4 lines)
def make_cgroup(kernel, path):
    """Make the cgroup `path`, so that memory, cpu and pids can be limited in it.

    path: below ROOT, such as "/sys/fs/cgroup/boxes/one". Directories that are missing on the way
    are made; those that exist are kept.
    A cgroup has those controllers that its parent hands down. So in ROOT and in each directory
    between ROOT and `path`, "+NAME" is written into the file cgroup.subtree_control: for each of
    CONTROLLERS that the file cgroup.controllers of the same directory offers.
    In `path` itself nothing is written: a cgroup that hands memory down can hold no process.
    """
    above = ROOT
    for part in path.removeprefix(ROOT).strip("/").split("/"):
        # look: which controllers are there?
        offered = kernel.read(f"{above}/cgroup.controllers").split()
        # ask: to hand ours down
        for name in CONTROLLERS:
            if name in offered:
                kernel.write(f"{above}/cgroup.subtree_control", f"+{name}")
        # ask: for the next directory on the way
        above = f"{above}/{part}"
        if not os.path.exists(above):
            kernel.mkdir(above)


# 4. REPAIR (rung R2). The limits come too late: the command may have children by then. (2 lines)
def start_inside(kernel, path, command):
    """Start command() in a new process that is in the cgroup `path` before command() begins.

    command: a function without arguments. It never returns.
    The result is the pid of the new process. The caller stays in its own cgroup.
    """
    # ask: for a child, and for its place
    pid = kernel.fork()
    if pid == 0:
        place(kernel, path, kernel.getpid())
        command()
    # tell: which pid it has
    return pid


# 5. MORE, CONTRACT (rung R5). Nobody escapes, and nobody else is hurt. (11 lines)
def remove(kernel, path):
    """End every process in the cgroup `path` and in the cgroups below it; remove them all.

    No process may escape: no daemon, and none that was forked a moment ago. "1" in the file
    cgroup.kill ends them all at once, also in the cgroups below.
    rmdir(2) removes a cgroup that has no process and no cgroup in it, so begin at the bottom.
    A killed process needs a moment to leave. Until then rmdir raises EBUSY: wait, and try again.
    Cgroups beside `path` are not touched. When `path` does not exist, nothing is to be done.
    """
    # look: is there something to remove?
    if not os.path.exists(path):
        return
    # ask: to end everybody in it
    kernel.write(f"{path}/cgroup.kill", "1")
    # let go: of the cgroups
    for directory, _, _ in os.walk(path, topdown=False):
        while os.path.exists(directory):
            try:
                kernel.rmdir(directory)
            except OSError as problem:
                if problem.errno != EBUSY:
                    raise
                time.sleep(0.01)


# 6. MORE, CONTRACT (rung R5). SIGKILL alone does not say who sent it. (8 lines)
def why_died(path, status):
    """Say why a process ended: "exit 3", "signal 15", or "out of memory".

    path: the cgroup that it was in. status: the raw status, as waitpid(2) returns it.
    "out of memory": SIGKILL ended it, and the kernel counted such a kill in this cgroup. The
    line oom_kill of the file memory.events is not 0.
    Without the memory controller there is no such file; then nobody counted.
    """
    # check: did a signal end it?
    if not os.WIFSIGNALED(status):
        return f"exit {os.WEXITSTATUS(status)}"
    # look: what did the kernel count?
    signal, file = os.WTERMSIG(status), f"{path}/memory.events"
    if signal == SIGKILL and os.path.exists(file):
        with open(file) as lines:
            events = dict(line.split() for line in lines)
        if int(events["oom_kill"]) > 0:
            return "out of memory"
    # tell: the signal alone
    return f"signal {signal}"
