"""Lesson 10: capabilities, and masks.

What you build here: `no_new_privileges`, `drop_capabilities` and `mask_paths`, parts of the stages
`no_new_privs`, `capabilities` and `masks`.
When they pass, `minidocker run --mine IMAGE COMMAND` hardens containers with *your* code.

`kernel` has one method for each system call: kernel.prctl(option, value),
kernel.capset(effective, permitted, inheritable), kernel.mount(source, target, fstype, flags, data).
A set of capabilities is a number here: bit n stands for CAPABILITIES[n].
What the kernel refuses raises an OSError.

Write the subgoals first, as comments with the words of lessons 01 to 05 (look, build, ask, check,
let go, tell), then the lines under them.

Judge your work with:  minidocker grade 10
"""

from __future__ import annotations

import os

from minidocker.kernel.flags import (
    CAPABILITIES,
    MS_BIND,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_RDONLY,
    PR_CAPBSET_DROP,
    PR_SET_KEEPCAPS,
    PR_SET_NO_NEW_PRIVS,
)


# 1. WORKED EXAMPLE (rung R1). Run it as it is, read the message, change one word. (1 line)
def no_new_privileges(kernel):
    """From now on, no exec gives this process more rights than it has: setuid files do nothing.

    Children inherit this, and nobody can take it back. See prctl(2).
    """
    option = PR_SET_KEEPCAPS  # or PR_SET_NO_NEW_PRIVS? One keeps rights, one gives no new ones.
    kernel.prctl(option, 1)


# 2. ORDER (rung R3). Put the four steps into an order that works. The grader does them, as root.
#    "capset": this process gives up every capability    "user": it becomes user 1000
#    "bounding": it empties its bounding set             "exec": it becomes the program sleep
DROP_ORDER = ["capset", "exec", "user", "bounding"]


# 3. REPAIR (rung R2). After this, a program that root starts has every capability again. (3 lines)
def drop_capabilities(kernel, keep, now):
    """Let no program that is started from here on have a capability outside `keep`.

    keep, now: numbers; bit n is the capability CAPABILITIES[n].
    When it returns, this process has the capabilities `now`, effective and permitted, and its
    inheritable set is empty. What it execs has at most those of `keep`: as uid 0, exactly those.
    kernel.prctl(PR_CAPBSET_DROP, n) takes capability n out of the bounding set. It needs
    CAP_SETPCAP, so think about the order. See capabilities(7), "Transformation of capabilities".
    """
    kernel.capset(now, now, 0)


# 4. CONTRACT (rung R5). Write it from what it must do. (7 lines)
def mask_paths(kernel, paths):
    """Hide each path from everybody in this mount namespace.

    A directory becomes an empty directory where nobody can write: a read-only tmpfs.
    A file (of any kind) becomes /dev/null, bound over it: reading it gives nothing.
    A path that leads nowhere is left out. See mount(2).
    """
    raise NotImplementedError("mask_paths is yours to write")
