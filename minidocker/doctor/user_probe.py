"""The doctor's look at what an ordinary user can do: containers without root.

Each function takes a Host, whose `tried` holds what minidocker.doctor.trial found out. The network
of such containers is with the programs: slirp4netns.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from minidocker.course import manifest
from minidocker.doctor.finding import GAP, INFO, OK, Finding
from minidocker.doctor.wall_probe import userns_fix
from minidocker.errors import LAB_MACHINE, NotFound
from minidocker.proc.machine import Host
from minidocker.spec import ids

GROUP = "without root"
USER = 1000  # who the notebooks' ordinary user is
FIRST, COUNT = 100000, 65536  # the ids that lesson 07 gives a container


def findings(host: Host) -> Iterator[Finding]:
    """Yield what works without root, for one who is not; root is told nothing of it."""
    if host.linux and host.euid != 0:
        yield _run(host)
        subordinate = _subordinate(host)
        yield subordinate
        yield from _linger(host)
        yield from _judged(subordinate.ok)


def of_root(host: Host) -> Iterator[Finding]:
    """Yield which ids root may give away, and whether the course works in another user's hands."""
    if host.linux:
        yield _mapped(host)
    if host.linux and host.euid == 0:
        yield from _others(host)
        yield _reach()


def _uid_map(host: Host) -> list[list[str]]:
    """Return the lines of our map of user ids, each as its three numbers."""
    return [line.split() for line in (host.read("/proc/self/uid_map") or "").splitlines()]


def _mapped(host: Host) -> Finding:
    """Say whether a container may get the ids that lesson 07 gives it: of the caller's own map."""
    name, title = "ids", "ids for a container"
    lines = _uid_map(host)
    there = any(int(first) <= FIRST <= int(first) + int(count) - COUNT
                for first, _, count in lines)  # fmt: skip
    last = FIRST + COUNT - 1
    if there and host.euid == 0:
        return Finding(name, title, OK, f"{FIRST} to {last} may be mapped")
    if there:
        fix = "run it as root: sudo minidocker doctor"
        return Finding(name, title, GAP, f"only root may map {FIRST} to {last}", fix)
    return Finding(name, title, GAP, f"there is no {FIRST} to {last} here", LAB_MACHINE)


def _reach() -> Finding:
    """Say whether other users can start this Python, and read this package with it."""
    name, title = "reach", "the course for other users"
    for file in (sys.executable, os.path.realpath(sys.executable), os.path.realpath(__file__)):
        for folder in map(str, Path(file).parents):
            if not os.stat(folder).st_mode & stat.S_IXOTH:
                seen = f"only its owner may enter {folder}"
                return Finding(name, title, GAP, seen, "put the course elsewhere, such as in /opt")
    return Finding(name, title, OK, "every user may read it")


def _others(host: Host) -> Iterator[Finding]:
    """Yield whether root can become another user: in a user namespace of one id it cannot."""
    lines = _uid_map(host)
    if not lines:
        return
    name, title = "subids", "ids of other users"
    if any(int(first) <= USER < int(first) + int(count) for first, _, count in lines):
        yield Finding(name, title, OK, f"root can become another user, such as {USER}")
        return
    caller = int(lines[0][1])
    seen = f"in this user namespace there is no user {USER}: user {caller} outside brought one id"
    # Which ranges are free is in files that a room does not show.
    fix = "see `subordinate ids` of: minidocker doctor   (outside of it)"
    yield Finding(name, title, GAP, seen, fix)


def _run(host: Host) -> Finding:
    """Say whether `run` works: all its namespaces, and overlay where this user's store is."""
    name, title = "rootless", "run as an ordinary user"
    told = host.tried.get(name, host.tried.get("*", "was not tried"))
    if not told:
        return Finding(name, title, OK, "works: namespaces, and overlay in them", group=GROUP)
    fix = userns_fix(host) or "export MINIDOCKER_ROOT=/a/directory/of/yours   (ext4, xfs or tmpfs)"
    return Finding(name, title, GAP, told, fix, GROUP)


def _subordinate(host: Host) -> Finding:
    """Say whether a container of this user's has more than one id, and what would give it some."""
    name, title = "subids", "subordinate ids"
    missing = [program for program in ("newuidmap", "newgidmap") if not host.which(program)]
    if missing:
        seen = f"there is no program {missing[0]}: a container has one id, its root"
        return Finding(name, title, GAP, seen, host.install("uidmap"), GROUP)
    files = ("/etc/subuid", "/etc/subgid")
    ranges = [ids.subordinate(host.path(file), host.euid) for file in files]
    for file, found in zip(files, ranges, strict=True):
        if not found:
            seen = f"user {host.euid} has none in {file}: a container has one id, its root"
            return Finding(name, title, GAP, seen, _add_ranges(host, files), GROUP)
    uids, gids = ranges
    assert uids and gids
    seen = f"{uids[1]} users from {uids[0]} on, {gids[1]} groups from {gids[0]} on"
    return Finding(name, title, OK, seen, group=GROUP)


def _linger(host: Host) -> Iterator[Finding]:
    """Say whether what runs alone outlives the session; nothing where systemd-logind is not there.

    logind.conf(5), KillUserProcesses: with it, or when the user's manager ends, all is killed.
    """
    if not host.which("loginctl"):
        return
    name, title = "linger", "run -d after you log out"
    user = _login(host.euid)
    if os.path.exists(host.path(f"/var/lib/systemd/linger/{user}")):
        yield Finding(name, title, OK, "what runs stays when the session ends", group=GROUP)
        return
    seen = "systemd may end what runs when your last session ends"
    yield Finding(name, title, INFO, seen, f"loginctl enable-linger {user}", GROUP)


def _judged(subordinate: bool) -> Iterator[Finding]:
    """Say how many checks of the course this user can be judged by; nothing without a course."""
    try:
        course = manifest.load()
    except NotFound:
        return
    users = ("one id", "ids") if subordinate else ("one id",)
    mine, every = course.checks_for(*users), course.checks_for(*manifest.USERS)
    groups = course.checks_for("cgroups")
    seen = f"{mine} of {every} checks of the course in a user namespace"
    more = f"; root has the others, {groups} of them with cgroup version 2"
    yield Finding("judged", "grade as an ordinary user", INFO, seen + more, group=GROUP)


def _add_ranges(host: Host, files: tuple[str, ...]) -> str:
    """Return the line that gives this user a range that nobody has. usermod(8)"""
    first, count = ids.COMMON
    taken = [found for file in files for _, *found in ids.ranges(host.path(file))]
    first = max([first, *(low + size for low, size in taken)])
    span = f"{first}-{first + count - 1}"
    return f"sudo usermod --add-subuids {span} --add-subgids {span} {_login(host.euid)}"


def _login(uid: int) -> str:
    import pwd  # not on Windows, which never comes here

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return os.environ.get("USER", str(uid))
