"""Who the process is: user id, group ids, and the user's home.

The names are looked up in the *container's* /etc/passwd and /etc/group, read by hand: the
modules pwd and grp would load libraries of the image.
"""

from __future__ import annotations

from minidocker.errors import KernelError, NotFound
from minidocker.stages.base import Stage

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
    from minidocker.spec import Run


class Identity(Stage):
    """Become the user that was asked for."""

    name = "identity"
    always = True
    gives_up = True

    def inside(self, kernel: Kernel, run: Run) -> None:
        """Look the user up, set HOME, give up the old groups, then the ids."""
        asked = run.spec.process.user
        uid, gid, groups, home = lookup(
            asked or "0", lines(kernel, "/etc/passwd"), lines(kernel, "/etc/group")
        )
        env = run.spec.process.env
        if not any(item.startswith("HOME=") for item in env):
            env.append(f"HOME={home}")
        if asked:
            if run.spec.process.terminal:
                kernel.fchown(0, uid, -1)  # so that it can open its own terminal
            kernel.setgroups(groups)  # before the ids: it needs CAP_SETGID
            kernel.setresgid(gid, gid, gid)
            kernel.setresuid(uid, uid, uid)


def lines(kernel: Kernel, path: str) -> list[list[str]]:
    """Read a file of colon-separated lines; a file that is not there is empty."""
    try:
        text = kernel.read(path)
    except KernelError:
        return []
    return [line.split(":") for line in text.splitlines() if ":" in line]


def lookup(
    asked: str, passwd: list[list[str]], group: list[list[str]]
) -> tuple[int, int, list[int], str]:
    """Read --user NAME|UID[:GROUP|GID] as (uid, gid, supplementary groups, home).

    As in Docker: a number needs no entry, a named group replaces all others, and
    without one the user's groups are those of /etc/group. passwd(5), group(5)
    """
    user, _, named_group = asked.partition(":")
    entry = next((e for e in passwd if len(e) > 5 and user in (e[0], e[2])), None)
    if entry is None and not user.isdigit():
        raise NotFound(
            f"no user {user!r} in the container's /etc/passwd", "give a number, such as --user 1000"
        )
    uid, gid = (int(entry[2]), int(entry[3])) if entry else (int(user), 0)
    home = entry[5] if entry else "/"
    if named_group:
        found = next((g for g in group if len(g) > 2 and named_group in (g[0], g[2])), None)
        if found is None and not named_group.isdigit():
            raise NotFound(
                f"no group {named_group!r} in the container's /etc/group",
                "give a number, such as --user 1000:1000",
            )
        gid = int(found[2]) if found else int(named_group)
        return uid, gid, [gid], home
    name = entry[0] if entry else ""
    extra = [int(g[2]) for g in group if len(g) > 3 and name and name in g[3].split(",")]
    return uid, gid, [gid, *(g for g in extra if g != gid)], home
