"""Ids: from --userns, --uidmap and --gidmap, or from who is calling, to the maps of a container.

A plain run of root's needs none of this file.
"""

from __future__ import annotations

import os

from minidocker.errors import Blocked, UsageError
from minidocker.spec.spec import Ids

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from typing import Any

APPARMOR = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"
COMMON = [100000, 65536]  # the range of the first user in /etc/subuid, by useradd's default
# From here on neither useradd nor systemd gives ids to anybody, and where these ranges end the
# cells of the judge have theirs. systemd, UIDS-GIDS
HIGH, COUNT, RANGES = 0x70000000, 65536, 256


def asked(options: dict[str, Any]) -> bool:
    """Say whether this run gets a user namespace: wished for, or needed since we are not root."""
    mode = options.get("userns", "")
    if mode not in ("", "private", "host"):
        raise UsageError(f"--userns {mode!r} is no mode", "private or host",
                         docker="--userns: invalid USER mode")  # fmt: skip
    maps = bool(options.get("uidmap") or options.get("gidmap"))
    if mode == "host":
        if maps:
            raise UsageError("--userns host has no maps", "leave --uidmap or --userns out")
        if os.geteuid():
            raise Blocked("without a user namespace this needs root", "sudo minidocker run …")
        return False
    named = "user" in options.get("stages", "").replace("..", "").split(",")
    return bool(mode or maps or named or os.geteuid())


def choose(options: dict[str, Any]) -> Ids:
    """Return the ids: as asked for; else the caller as root, and the subordinate ids if any.

    Root's containers get a range that no user of the host should have: the host's root stays out.
    """
    uid, gid = os.geteuid(), os.getegid()
    uid_map = explicit("uidmap", options.get("uidmap") or [])
    gid_map = explicit("gidmap", options.get("gidmap") or []) or uid_map
    uid_map = uid_map or gid_map
    ids = Ids(uid=uid, gid=gid, uid_map=uid_map, gid_map=gid_map, setgroups="allow",
              helper=False, shift=uid == 0)  # fmt: skip
    if uid == 0:
        if not uid_map:
            low, count = subordinate("/etc/subuid", 0) or of_nobody()
            ids.uid_map = ids.gid_map = f"0 {low} {count}\n"
        with open("/proc/self/setgroups", encoding="ascii") as file:
            ids.setgroups = file.read().strip()  # what is denied here is denied to all below
        refuse_strange(ids.uid_map, "/proc/self/uid_map")
        refuse_strange(ids.gid_map, "/proc/self/gid_map")
        return ids
    refuse_by_apparmor()
    ids.subuid, ids.subgid = subordinate("/etc/subuid", uid), subordinate("/etc/subgid", uid)
    if not (ids.subuid and ids.subgid and have("newuidmap") and have("newgidmap")):
        ids.subuid = ids.subgid = None
    lone = uid_map.split()[1:] == [str(uid), "1"] and gid_map.split()[1:] == [str(gid), "1"]
    ids.helper = bool(ids.subuid) if not uid_map else not lone
    ids.setgroups = "allow" if ids.helper else "deny"
    return ids


def of_nobody() -> list[int]:
    """Return a range that no user of this host has among their subordinate ids.

    Whoever has it is the owner of the containers' files out here, and may become their processes.
    """
    most = max(own_ids("/proc/self/uid_map"), key=len)
    if HIGH not in most:  # root of a user namespace, as in a room: the last ids that it has
        low = max(1, most[-1] - COUNT + 1)
        return [low, max(1, most[-1] - low + 1)]
    taken = [found for file in ("/etc/subuid", "/etc/subgid") for _, *found in ranges(file)]
    for low in range(HIGH, HIGH + RANGES * COUNT, COUNT):
        if not any(first < low + COUNT and low < first + count for first, count in taken):
            return [low, COUNT]
    raise Blocked("every range of ids here is some user's", "--uidmap 0:FIRST:65536")


def own_ids(file: str) -> list[range]:
    """Return the ids that there are for us, by /proc/self/uid_map or gid_map."""
    with open(file, encoding="ascii") as stream:
        rows = [[int(word) for word in line.split()] for line in stream]
    return [range(first, first + count) for first, _, count in rows]


def refuse_strange(lines: str, file: str) -> None:
    """Say which outer id is none: root of a user namespace can give away only ids that it has."""
    here = own_ids(file)
    for _, low, count in map(str.split, lines.splitlines()):
        first, last = int(low), int(low) + int(count) - 1
        if not any(first in one and last in one for one in here):
            has = ", ".join(f"{one[0]} to {one[-1]}" for one in here)
            raise Blocked(
                f"this user namespace lacks some of the ids {first} to {last}: it has {has}",
                "run it as root of the machine, or give ids that are here: --uidmap 0:0:1",
            )


def explicit(option: str, given: list[str]) -> str:
    """Read --uidmap INSIDE:OUTSIDE:COUNT (each a whole number) as lines of a map."""
    lines = ""
    for text in given:
        words = text.split(":")
        if len(words) != 3 or not all(w.isdecimal() and int(w) < 1 << 32 for w in words):
            raise UsageError(
                f"--{option} {text!r} is not INSIDE:OUTSIDE:COUNT", f"--{option} 0:100000:65536"
            )
        lines += " ".join(words) + "\n"
    return lines


def subordinate(file: str, uid: int) -> list[int] | None:
    """Return [first, count] of a user's first range in /etc/subuid or /etc/subgid; subuid(5)."""
    import pwd

    names = {str(uid)}
    try:
        names.add(pwd.getpwuid(uid).pw_name)
    except KeyError:
        pass  # a user without a name can have a range by number
    return next(([low, count] for name, low, count in ranges(file) if name in names), None)


def ranges(file: str) -> list[tuple[str, int, int]]:
    """Read the lines of /etc/subuid or /etc/subgid: (user, first, count)."""
    try:
        with open(file, encoding="utf-8", errors="replace") as stream:
            rows = [line.strip().split(":") for line in stream]
    except OSError:
        return []
    return [
        (row[0], int(row[1]), int(row[2])) for row in rows
        if len(row) == 3 and row[1].isdecimal() and row[2].isdecimal()
    ]  # fmt: skip


def have(program: str) -> bool:
    """Say whether a program is in PATH, or where Debian puts it."""
    places = [*os.environ.get("PATH", "").split(":"), "/usr/bin", "/usr/sbin"]
    return any(os.access(f"{place}/{program}", os.X_OK) for place in places if place)


def outer_root(lines: str) -> int:
    """Return the outer id of the inner id 0, by the lines of a map."""
    for line in lines.splitlines():
        inside, outside, _ = line.split()
        if inside == "0":
            return int(outside)
    return 65534


def refuse_by_apparmor() -> None:
    """Name Ubuntu's restriction: unshare succeeds there, and every mount after it is refused."""
    try:
        with open(APPARMOR, encoding="ascii") as stream:
            restricted = stream.read().strip() == "1"
        with open("/proc/self/attr/current", encoding="ascii", errors="replace") as stream:
            confined = not stream.read().startswith("unconfined")
    except OSError:
        return
    if restricted and not confined:
        raise Blocked(
            "AppArmor keeps ordinary users from using user namespaces here (Ubuntu 24.04 does so)",
            "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0   or: sudo minidocker run",
        )


def has_group(gid_map: str, group: int) -> bool:
    """Say whether a user namespace knows a group, by its lines "first, outside, count"."""
    ranges = [line.split() for line in gid_map.splitlines() if len(line.split()) == 3]
    return any(int(first) <= group < int(first) + int(count) for first, _, count in ranges)
