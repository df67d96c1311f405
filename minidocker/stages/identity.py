"""Who the process is: user id, group ids, and the user's home.

The names are looked up in the *container's* /etc/passwd and /etc/group, read by hand: the
modules pwd and grp would load libraries of the image.
"""

from __future__ import annotations

import os
from errno import EFBIG, EINVAL, EISDIR, ELOOP, ENOENT, ENOTDIR, ENXIO

from minidocker.errors import Blocked, KernelError, MinidockerError, NotFound
from minidocker.kernel.flags import PR_SET_KEEPCAPS
from minidocker.places import ROOM
from minidocker.spec.words import LIST, VALUE, Option, is_number
from minidocker.stages.base import Stage

# What an image can do to its own file: there is none, or no ordinary one of a sensible size.
NO_FILE = (ENOENT, ENOTDIR, EISDIR, ELOOP, EINVAL, EFBIG, ENXIO)
MOST = 0x7FFFFFFF  # Docker's, too, takes no larger number
MOST_GROUPS = 65536  # of one process. setgroups(2)

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
    from minidocker.spec.spec import Run, Spec
    from minidocker.spec.words import Asked


class Identity(Stage):
    """Become the user that was asked for."""

    name = "identity"
    options = (
        Option("-u --user", VALUE, "USER[:GROUP]", "as in Docker",
               "run as this user (name or number)", read=lambda text, _: text or None,
               field="process.user"),
        Option("--group-add", LIST, "GROUP", "as in Docker",
               "be in this group, too (name or number)", field="process.groups"),
    )  # fmt: skip
    always = True
    gives_up = True
    one_group = False

    @classmethod
    def plan(cls, spec: Spec, asked: Asked) -> None:
        """Read who it is; a container with one id alone may change no groups."""
        super().plan(spec, asked)
        if spec.process.groups and spec.ids and spec.ids.setgroups == "deny":
            raise Blocked(
                "--group-add: a user with no subordinate ids has one group in a container",
                "sudo apt-get install uidmap   and a line for you in /etc/subgid",
            )

    def before(self, kernel: Kernel, run: Run) -> None:
        """Look whether groups may change here; who enters a container later sees no /proc/self."""
        self.one_group = one_group(kernel)

    def inside(self, kernel: Kernel, run: Run) -> None:
        """Look the user up, set HOME, give up the old groups, then the ids."""
        asked = run.spec.process.user
        known = lines(kernel, "/etc/group", 4, 1)
        uid, gid, groups, home = lookup(asked or "0", lines(kernel, "/etc/passwd", 6, 2), known)
        more = [group_id(name, known) for name in run.spec.process.groups or ()]
        groups = list(dict.fromkeys([*groups, *more]))
        if len(groups) > MOST_GROUPS:
            raise MinidockerError(
                f"the container's /etc/group has the user in {len(groups)} groups, and "
                f"{MOST_GROUPS} are the most", "--user UID:GID   (then no other group counts)",
            )  # fmt: skip
        env = run.spec.process.env
        if not any(item.startswith("HOME=") for item in env):
            env.append(f"HOME={home}")
        if (
            asked or more or run.root
        ):  # also as root: the caller's other groups are none of the image's
            if run.spec.process.terminal:
                kernel.fchown(0, uid, -1)  # so that it can open its own terminal
            ids = run.spec.ids
            if not (ids and ids.setgroups == "deny") and not self.one_group:
                kernel.setgroups(groups)  # before the ids: it needs CAP_SETGID
            kernel.setresgid(gid, gid, gid)
            if "capabilities" in (run.spec.stages or ()):
                change_user_keeping_capabilities(kernel, uid)
            else:
                kernel.setresuid(uid, uid, uid)


def one_group(kernel: Kernel) -> bool:
    """Say whether we are in the room of a user with one id, where nobody may change groups."""
    return ROOM in os.environ and kernel.read("/proc/self/setgroups").strip() == "deny"


def change_user_keeping_capabilities(kernel: Kernel, uid: int) -> None:
    """Change the user, and keep the capabilities until the last stages have used theirs.

    setresuid(2) from 0 to another id would drop them. The exec does it in any case.
    """
    _, held, inheritable = kernel.capget()
    kernel.prctl(PR_SET_KEEPCAPS, 1)
    kernel.setresuid(uid, uid, uid)
    kernel.capset(held, held, inheritable)


def lines(kernel: Kernel, path: str, fields: int, ids: int) -> list[list[str]]:
    """Read the lines that have so many fields, and so many ids from the third field on.

    The file is the image's: it may be missing, no file at all, or wrong. That it could not be read
    is no reason to take another user's home or group. passwd(5), group(5)
    """
    try:
        text = kernel.read(path)
    except KernelError as problem:
        if problem.errno not in NO_FILE:
            raise
        return []
    found = [line.split(":") for line in text.split("\n") if "\0" not in line]
    return [e for e in found if len(e) >= fields and all(is_id(n) for n in e[2 : 2 + ids])]


def is_id(text: str) -> bool:
    """Say whether this is a user or group id. 2^32 - 1 is none: it means "do not change"."""
    return is_number(text) and int(text) < 0xFFFFFFFF


def find(asked: str, entries: list[list[str]]) -> list[str] | None:
    """Return the entry of a number or of a name; what consists of digits is a number alone."""
    if asked.isdecimal():
        return next((e for e in entries if is_id(asked) and int(e[2]) == int(asked)), None)
    return next((e for e in entries if asked == e[0]), None)


def lookup(
    asked: str, passwd: list[list[str]], group: list[list[str]]
) -> tuple[int, int, list[int], str]:
    """Read --user NAME|UID[:GROUP|GID] as (uid, gid, supplementary groups, home).

    As in Docker: a number needs no entry, a named group replaces all others, and
    without one the user's groups are those of /etc/group. A number is never a name: an image may
    have a user called "1000" who is root (CVE-2026-46680). passwd(5), group(5)
    """
    user, _, named_group = asked.partition(":")
    user = user or "0"
    entry = find(user, passwd)
    if entry is None:
        refuse_out_of_range(user)
    if entry is None and not is_id(user):
        raise NotFound(
            f"no user {user!r} in the container's /etc/passwd",
            "give a number, such as --user 1000",
            docker=f"unable to find user {user}: no matching entries in passwd file",
        )
    uid, gid = (int(entry[2]), int(entry[3])) if entry else (int(user), 0)
    home = entry[5] if entry else "/"
    if named_group:
        found = find(named_group, group)
        if found is None:
            refuse_out_of_range(named_group)
        if found is None and not is_id(named_group):
            raise NotFound(
                f"no group {named_group!r} in the container's /etc/group",
                "give a number, such as --user 1000:1000",
                docker=f"unable to find group {named_group}: no matching entries in group file",
            )
        gid = int(found[2]) if found else int(named_group)
        return uid, gid, [gid], home
    name = entry[0] if entry else ""
    extra = [int(g[2]) for g in group if name and name in g[3].split(",")]
    return uid, gid, [gid, *(g for g in extra if g != gid)], home


def refuse_out_of_range(text: str) -> None:
    """Refuse a number that is no id, as Docker does."""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal()):
        return
    if len(digits) > 19 or not 0 <= int(text) <= MOST:  # int() refuses 5000 of them
        raise NotFound(
            f"the id {text} is not from 0 to {MOST}", "a smaller number, such as --user 1000",
            docker=f"uids and gids must be in range 0-{MOST}",
        )  # fmt: skip


def group_id(name: str, group: list[list[str]]) -> int:
    """Return the number of a group, by its name or its number, which is never a name. group(5)"""
    found = find(name, group)
    if found is None:
        refuse_out_of_range(name)
    if found is None and not is_id(name):
        raise NotFound(
            f"no group {name!r} in the container's /etc/group",
            "give a number, such as --user 1000:1000 or --group-add 1000",
            docker=f"unable to find group {name}: no matching entries in group file",
        )
    return int(found[2]) if found else int(name)
