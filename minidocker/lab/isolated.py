"""Run one program in a fresh process, in new namespaces, and leave nothing behind.

The notebook's `%%isolated` and `%%shell` start this file; so does `minidocker.lab.cells`:

    Jupyter kernel ──Popen──► supervisor ──fork──► worker: unshare(2) ──(--fork)──► PID 1

The supervisor ends when the Jupyter kernel ends (PR_SET_PDEATHSIG), and takes with it every
process that the program started: orphans come to it (PR_SET_CHILD_SUBREAPER), not to the
machine's init. The program comes on standard input, or as a command after `--command`.

Manual: unshare(1), unshare(2), PR_SET_PDEATHSIG(2const), PR_SET_CHILD_SUBREAPER(2const).
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, NoReturn

from minidocker.errors import KernelError
from minidocker.kernel import flags
from minidocker.kernel.linux import Linux
from minidocker.proc import processes

if TYPE_CHECKING:
    from types import FrameType

# Option letter, option, flag: those of unshare(1).
NAMESPACES = (
    ("p", "pid", flags.CLONE_NEWPID, "pid namespace: only *children* enter it (add --fork)"),
    ("m", "mount", flags.CLONE_NEWNS, "mount namespace, with private propagation"),
    ("u", "uts", flags.CLONE_NEWUTS, "uts namespace: the host name"),
    ("n", "net", flags.CLONE_NEWNET, "network namespace"),
    ("i", "ipc", flags.CLONE_NEWIPC, "ipc namespace: System V objects, POSIX queues"),
    ("C", "cgroup", flags.CLONE_NEWCGROUP, "cgroup namespace: the view of /proc/PID/cgroup"),
    ("T", "time", flags.CLONE_NEWTIME, "time namespace: only *children* enter it"),
    ("U", "user", flags.CLONE_NEWUSER, "user namespace, without any id map"),
)
FAILED = 125  # our own failure, as in `docker run`


def parser(prog: str = "%%isolated") -> argparse.ArgumentParser:
    """Return the parser of the options, which the magic and the fresh process share."""
    made = argparse.ArgumentParser(
        prog=prog, allow_abbrev=False, description="Run this cell in a fresh process."
    )
    for letter, word, _, told in NAMESPACES:
        made.add_argument(f"-{letter}", f"--{word}", action="store_true", help=f"a new {told}")
    made.add_argument("-f", "--fork", action="store_true", help="run the cell in a child (PID 1)")
    made.add_argument(
        "--mount-proc", action="store_true", help="mount a new /proc; implies --mount and --fork"
    )
    made.add_argument(
        "-r", "--map-root-user", action="store_true", help="be root in the new user namespace"
    )
    made.add_argument("--sh", action="store_true", help="the cell is shell, not Python")
    made.add_argument(
        "--status", type=int, default=0, metavar="N", help="the exit status that you expect"
    )
    made.add_argument("args", nargs="*", help="sys.argv[1:], or $1 … in shell")
    return made


def parse(words: list[str], prog: str = "%%isolated") -> argparse.Namespace:
    """Parse the options; `flags` is added, the sum of the CLONE_NEW… that were asked for."""
    made = parser(prog)
    options = made.parse_args(words)
    if options.args and "--" not in words:  # "%%isolated pid" would wall nothing in
        made.error(f"{options.args[0]}: arguments come after --, and options begin with one: --pid")
    if options.mount_proc:
        options.mount = options.fork = True
    if options.map_root_user:
        options.user = True
    options.flags = sum(flag for _, word, flag, _ in NAMESPACES if getattr(options, word))
    return options


def main(argv: list[str]) -> NoReturn:
    """Supervise: start the worker, wait, end whatever it left, and exit with its status."""
    at = argv.index("--command") if "--command" in argv else len(argv)
    options, command = parse(argv[:at], prog="isolated"), argv[at + 1 :]
    program = "" if command else sys.stdin.read()
    kernel = Linux()
    kernel.prctl(flags.PR_SET_PDEATHSIG, flags.SIGTERM)
    kernel.prctl(flags.PR_SET_CHILD_SUBREAPER, 1)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, _end_everything)
    if os.getppid() == 1:  # the parent ended before PR_SET_PDEATHSIG was set
        sys.exit(FAILED)
    worker = os.fork()
    if worker == 0:
        _work(kernel, options, program, command)
    # A cell is done when its program is; a command of `start` when the last process is.
    status = _wait_for(worker, everyone=bool(command))
    if not command:
        time.sleep(0.02)  # a child that has just done its last step is no news
    left = end_descendants()
    if left:
        some = "1 process" if left == 1 else f"{left} processes"
        print(f"[{some} of this cell still ran, and was ended]", flush=True)
    sys.exit(status)


def end_descendants() -> int:
    """Kill every descendant of this process, and return how many of them still ran.

    What is killed leaves its own children to us, the subreaper: so again, until none is left.
    """
    ran: set[int] = set()
    while below := processes.children().get(os.getpid()):
        for child in below:
            if not child.zombie:  # a zombie has ended; nobody has asked how
                ran.add(child.pid)
                try:
                    os.kill(child.pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
        for child in below:
            os.waitpid(child.pid, 0)
    return len(ran)


def _wait_for(worker: int, everyone: bool) -> int:
    """Reap until the worker ends, or until everyone has; return the worker's exit status.

    A signal counts as 128 and its number, as in a shell.
    """
    found = FAILED
    while True:
        try:
            pid, status = os.waitpid(-1, 0)
        except ChildProcessError:
            return found
        if pid == worker:
            code = os.waitstatus_to_exitcode(status)
            found = code if code >= 0 else 128 - code
            if not everyone:
                return found


def _end_everything(number: int, frame: FrameType | None) -> None:
    end_descendants()
    os._exit(128 + number)


def _work(kernel: Linux, options: argparse.Namespace, program: str, command: list[str]) -> NoReturn:
    """Enter the namespaces, and become the program; never returns."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _stdin_from_null()
    try:
        _enter(kernel, options)
        kernel.prctl(flags.PR_SET_PDEATHSIG, flags.SIGKILL)
        if command:
            _become(kernel, command)
        if options.sh:
            _become(kernel, ["/bin/sh", "-c", program, "sh", *options.args])
    except KernelError as problem:
        remedy = f"\n  try: {problem.remedy}" if problem.remedy else ""
        print(f"minidocker: {problem}{remedy}", flush=True)
        os._exit(FAILED)
    from minidocker.lab import celltext

    celltext.run(program, ["<cell>", *options.args])


def _enter(kernel: Linux, options: argparse.Namespace) -> None:
    uid, gid = os.getuid(), os.getgid()
    kernel.unshare(options.flags)
    if options.map_root_user:
        kernel.write("/proc/self/setgroups", "deny")
        kernel.write("/proc/self/uid_map", f"0 {uid} 1")
        kernel.write("/proc/self/gid_map", f"0 {gid} 1")
    if options.mount:  # as unshare(1) does: what is mounted here must not travel to the host
        kernel.mount("none", "/", "", flags.MS_REC | flags.MS_PRIVATE)
    if options.fork:
        # The parent stays outside, waits, and ends as its child did.
        kernel.prctl(flags.PR_SET_PDEATHSIG, flags.SIGKILL)
        child = os.fork()
        if child:
            _, status = os.waitpid(child, 0)
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)
    if options.mount_proc:
        safe = flags.MS_NOSUID | flags.MS_NODEV | flags.MS_NOEXEC
        kernel.mount("proc", "/proc", "proc", safe)


def _become(kernel: Linux, argv: list[str]) -> NoReturn:
    # Python ignores these two, and what is ignored stays so across exec.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    kernel.execve(argv[0], argv, dict(os.environ))


def _stdin_from_null() -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    sys.stdin = open(0, encoding="utf-8", closefd=False)


if __name__ == "__main__":
    main(sys.argv[1:])
