"""Where no namespace can be had: a scene in a plain process of a user who is nobody.

For containers without privileges, such as Gradescope's. It is root's there to be somebody else, and
no more: no namespaces, no root of its own, no network of its own. So only checks are judged whose
answers need none of that (grader/bare_checks.py), and only where MINIDOCKER_BARE says that the
whole container is thrown away afterwards. What holds: other ids than ours, no capability, no way
to get one, limits; what must not be read is closed by its mode. All processes of that user end
with it, and what it wrote where everybody may write is removed.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import random
import resource
import shutil
import signal
import time

from minidocker.kernel import flags as f
from minidocker.kernel.linux import Linux

WORD = "MINIDOCKER_BARE"
IDS = range(64_000, 65_500)
"""Ids that a container of 65,536 has, and that are given to hardly anybody."""
END_SECONDS = 10.0
PUBLIC = ("/tmp", "/var/tmp", "/dev/shm")
INTERFACE = ("minidocker.kernel", "minidocker.spec")


def wanted() -> bool:
    """Say whether learner code is to run without a cell."""
    return os.environ.get(WORD) == "1" and os.geteuid() == 0


def nobody() -> int:
    """Return an id that no process has: all of its processes will be killed."""
    return next(uid for uid in random.sample(IDS, len(IDS)) if not processes(uid))


def load_interface() -> None:
    """Import what exercises may import, while its files can still be read."""
    for name in INTERFACE:
        package = importlib.import_module(name)
        for one in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{name}.{one.name}")


def become_nobody(kernel: Linux, uid: int) -> None:
    """Give everything up, for good: groups, ids, capabilities; orphans come back to us."""
    kernel.prctl(f.PR_SET_CHILD_SUBREAPER, 1)
    kernel.prctl(f.PR_SET_NO_NEW_PRIVS, 1)
    os.chdir("/")
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    kernel.prctl(f.PR_SET_PDEATHSIG, f.SIGKILL)  # a change of ids clears it
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def end_all(uid: int) -> None:
    """Kill every process of that user, and wait until none is left."""
    until = time.monotonic() + END_SECONDS
    while processes(uid) and time.monotonic() < until:
        pid = os.fork()
        if pid == 0:
            try:
                os.setresuid(uid, uid, uid)
                os.kill(-1, f.SIGKILL)  # all that this user may signal: its own
            finally:
                os._exit(0)
        os.waitpid(pid, 0)
        time.sleep(0.005)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass


def remove_files(uid: int) -> None:
    """Remove what that user has left in directories that are everybody's: by its own rights."""
    pid = os.fork()
    if pid == 0:
        try:
            signal.alarm(int(END_SECONDS))
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            for path in (entry.path for top in PUBLIC if os.path.isdir(top)
                         for entry in os.scandir(top)
                         if entry.stat(follow_symlinks=False).st_uid == uid):  # fmt: skip
                if os.path.isdir(path) and not os.path.islink(path):
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    os.unlink(path)
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


def processes(uid: int) -> list[int]:
    """Return the processes of a user that have not ended."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/status", encoding="ascii", errors="replace") as file:
                told = dict(line.split(":", 1) for line in file if ":" in line)
            if int(told["Uid"].split()[0]) == uid and told["State"].strip()[0] not in "ZX":
                found.append(int(name))
        except (OSError, KeyError):
            continue
    return found
