"""Lesson 00: what is a container?

What you build here: three small functions that look at a process, and one that gives it a
name of its own. `set_hostname` is a part of the runtime's `uts` stage.

`kernel` has one method for each system call: kernel.unshare(flags), kernel.sethostname(name).
They do what the man pages say. What the kernel refuses raises an OSError.

Judge your work with:  minidocker grade 00
"""

from __future__ import annotations

import os

from minidocker.kernel.flags import CLONE_NEWIPC, CLONE_NEWUTS


# 1. WORKED EXAMPLE (rung R1). Run it as it is, read the message, change one word. (1 line)
def set_hostname(kernel, name):
    """Give this process a host name of its own; everybody else keeps theirs.

    name: a text of at most 64 bytes.
    First this process enters a new uts namespace, then it sets the name there.
    See unshare(2), uts_namespaces(7), sethostname(2).
    """
    namespace = CLONE_NEWIPC  # CLONE_NEWIPC? CLONE_NEWUTS?
    kernel.unshare(namespace)
    kernel.sethostname(name)


# 2. HOLE (rung R4). Fill in what stands as `...`. (2 lines)
def namespaces_of(pid):
    """Return a dictionary: for each entry of /proc/PID/ns its inode number, an int.

    pid: a number, or "self" for this process.
    Two processes with the same number for a name are in the same namespace.
    An OSError says that the process is gone, or that the kernel does not let you look.
    See namespaces(7).
    """
    found = {}
    for name in os.listdir(...):
        found[name] = os.stat(...).st_ino
    return found


# 3. REPAIR (rung R2). Containers escape this test: their own "/" is called "/" too. (2 lines)
def has_own_root(pid):
    """Say whether the root directory of process `pid` is another directory than yours.

    /proc/PID/root leads to it. Two names lead to one directory when os.stat gives both
    the same st_dev and st_ino. See proc(5), stat(2).
    """
    return os.readlink(f"/proc/{pid}/root") != "/"


def status_of(pid):
    """Return the lines of /proc/PID/status: {"Name": "sh", "State": "S (sleeping)", …}.

    Given; nothing to do here. FileNotFoundError when there is no such process.
    """
    with open(f"/proc/{pid}/status") as file:
        lines = [line.partition(":") for line in file]
    return {name: value.strip() for name, _, value in lines}


# 4. MORE, CONTRACT (rung R5). Put it together: what stands between you and this process? (12 lines)
def walls_of(pid):
    """Return the set of walls between you and process `pid`: an empty set when there is none.

    "pid", "mnt", "net", "uts", "ipc", "cgroup", "user", "time": it is in another namespace.
    (Entries such as "pid_for_children" speak of children. They are no walls.)
    "root": its root directory is another one than yours.
    "seccomp": the line Seccomp of its status differs from yours.
    "limit": the text of /proc/PID/cgroup differs from yours: other limits count for it.
    LookupError when there is no such process, or when it is a zombie (state Z). A process that
    ends while you look is gone, too: to read its open file gives ESRCH, a ProcessLookupError.
    PermissionError when the kernel does not let you look: "I may not see" is not "no wall".
    """
    raise NotImplementedError("walls_of is yours to write")
