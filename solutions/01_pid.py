"""Lesson 01: the pid namespace.

What you build here: `spawn` and `init`, two parts of the `pid` stage. When they pass,
`minidocker run --mine IMAGE COMMAND` starts containers with *your* code.

`kernel` has one method for each system call: kernel.fork(), kernel.unshare(flags),
kernel.waitpid(pid, options), kernel.kill(pid, signal), kernel.wait_signal().
They do what the man pages say. What the kernel refuses raises an OSError.

The comments in the functions name subgoals, by the same six words in lessons 01 to 05:
    look: at what is there    build: what you ask for          ask: the kernel for it
    check: what it means      let go: of what must not stay    tell: return it, or raise

Judge your work with:  minidocker grade 01
"""

from __future__ import annotations

import os

from minidocker.kernel.flags import CLONE_NEWPID, SIGCHLD, WNOHANG

# 1. ORDER (rung R3). Put the four steps into an order that works. The grader does them.
#    "unshare": kernel.unshare(CLONE_NEWPID)          "fork": pid = kernel.fork()
#    "child": in the child, call child()              "return": in the parent, return pid
SPAWN_ORDER = ["unshare", "fork", "child", "return"]


# 2. CONTRACT (rung R5). Write it from what it must do. (4 lines)
def spawn(kernel, flags, child):
    """Start `child` in new namespaces, and return its pid.

    flags: which namespaces, for example CLONE_NEWPID | CLONE_NEWUTS.
    child: a function without arguments. It never returns.
    The process that runs child() is a new process, and it has pid 1 in its own namespace.
    The result is the pid of this process, as the caller counts. The caller is its parent.
    spawn does not wait for the child to end. It is called once in a process.
    See unshare(2), fork(2), pid_namespaces(7).
    """
    # ask: for a child that is number 1
    kernel.unshare(flags)
    pid = kernel.fork()
    if pid == 0:
        child()
    # tell: which pid it has
    return pid


# 3. HOLE (rung R4). Fill in the two names that stand as `...`: see waitpid(2). (2 lines)
def exit_status(status):
    """Turn the raw status of waitpid(2) into an exit status, as a shell does.

    A process that called exit(n) gives n. A process that signal n killed gives 128 + n.
    """
    # check: did a signal end it?
    if os.WIFSIGNALED(status):
        return 128 + os.WTERMSIG(status)
    # tell: what it gave to exit
    return os.WEXITSTATUS(status)


# 4. REPAIR (rung R2). This init waits for one process only, and hears no signal. (7 lines)
def init(kernel, main):
    """Be process 1 of a container until the process `main` has ended; return its exit status.

    main: the pid of the command, already running: a child of this process.
    Every child that ends is reaped at once, orphans too: none stays a zombie (state Z).
    Each signal that arrives is passed on to main. SIGCHLD is not: it tells that a child ended.
    While nothing happens, init sleeps.
    All signals are blocked: kernel.wait_signal() sleeps until one is there, and returns its number.
    One SIGCHLD can stand for many children: kernel.waitpid(-1, WNOHANG) takes one child, and
    returns (0, 0) when none has ended.
    """
    while True:
        # look: which signal is there?
        signal = kernel.wait_signal()
        # ask: to pass it on to main
        if signal != SIGCHLD:
            kernel.kill(main, signal)
            continue
        # let go: of each child that has ended
        pid, status = kernel.waitpid(-1, WNOHANG)
        while pid:
            if pid == main:
                return exit_status(status)
            pid, status = kernel.waitpid(-1, WNOHANG)


def numbers_of(pid):
    """Return the pids of process `pid`, one for each namespace it is seen in, outermost first.

    Given; nothing to do here. It reads the line NSpid of /proc/PID/status: proc(5).
    """
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith("NSpid:"):
                return [int(word) for word in line.split()[1:]]
    return []


# 5. MORE, CONTRACT (rung R5). The same number can stand in many namespaces. (8 lines)
def host_pid_of(init, inner):
    """Return the pid, as you see it, of the process that its own container calls `inner`.

    init: the pid, as you see it, of the container's process 1.
    The process meant is in the same pid namespace as init: /proc/PID/ns/pid says which.
    LookupError when there is none, or when init itself is gone.
    Processes may end while you look: skip those.
    """
    # look: in which namespace is init?
    try:
        namespace = os.readlink(f"/proc/{init}/ns/pid")
    except FileNotFoundError:
        raise LookupError(f"no process {init}") from None
    # check: which process is in it, under this number?
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            same = os.readlink(f"/proc/{pid}/ns/pid") == namespace
            if same and numbers_of(pid)[-1] == inner:
                return int(pid)
        except OSError:
            continue
    # tell: that there is none
    raise LookupError(f"no process {inner} in the container of {init}")


# 6. MORE, INSPECT (rung R6). A check of your own: does it tell right spawns from wrong? (2 lines)
def check_spawn(pid):
    """Say whether process `pid` came from a spawn that is right.

    True when the process has number 1 in a pid namespace that is not your own, else False.
    The grader tries it on the children of right spawns and of wrong ones.
    """
    apart = os.readlink(f"/proc/{pid}/ns/pid") != os.readlink("/proc/self/ns/pid")
    return apart and numbers_of(pid)[-1] == 1
