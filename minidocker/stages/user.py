"""The user namespace: root inside, an ordinary user outside."""

from __future__ import annotations

import os

from minidocker.errors import Blocked, KernelError
from minidocker.kernel.flags import CLONE_NEWUSER
from minidocker.places import ROOM
from minidocker.spec.words import LIST, VALUE, Option
from minidocker.stages.base import Stage

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
    from minidocker.spec.spec import Run, Spec
    from minidocker.spec.words import Asked


# What of a container's directory is the container's own: its files, and where they are mounted.
SHIFTED = ("upper", "work", "merged", "init", "room", "hosts", "hostname", "resolv.conf")


class User(Stage):
    """Give the process ids of its own, and every capability inside, with no power outside."""

    name = "user"
    namespaces = CLONE_NEWUSER
    options = (
        Option("--userns", VALUE, "MODE", "walls to share",
               "private or host (user ids); private for all but root", idle=("host",)),
        Option("--uidmap", LIST, "IN:OUT:COUNT", "walls to share",
               "these user ids inside are those outside; a user namespace"),
        Option("--gidmap", LIST, "IN:OUT:COUNT", "walls to share", "the same for groups"),
    )  # fmt: skip
    parts = ("map_lines", "write_maps", "newuidmap_argv", "become_root")

    @classmethod
    def wish(cls, asked: Asked) -> str:
        """Without root, every run needs it, but for one that is refused in any case."""
        said = super().wish(asked)
        return said or ("an ordinary user" if os.geteuid() and "userns" not in asked else "")

    @classmethod
    def plan(cls, spec: Spec, asked: Asked) -> None:
        """Choose the ids. A plain run of root's loads nothing for it, and gets none."""
        said = any(key in asked for key in ("userns", "uidmap", "gidmap", "stages"))
        if said or os.geteuid() or ROOM in os.environ:  # in a room /dev is made with its help, too
            from minidocker.spec import ids

            spec.linux.ids = ids.choose(asked) if ids.asked(asked) else None

    @classmethod
    def wanted(cls, spec: Spec) -> bool:
        """Root's own ids are the host's, unless it is asked otherwise."""
        return spec.ids is not None

    def outside(self, kernel: Kernel, run: Run, pid: int) -> None:
        """Say which outer id each inner id is; until then the child is nobody (65534)."""
        ids = run.spec.ids
        assert ids
        uid_map = ids.uid_map or self.map_lines(ids.uid, ids.subuid)
        gid_map = ids.gid_map or self.map_lines(ids.gid, ids.subgid)
        if ids.shift:  # what the host's root has made for this container becomes the container's
            from minidocker.spec.ids import outer_root

            # Not the directory itself, nor the record in it: its ids may be a user's of this host,
            # who could rename what is in it while we as root walk by its names.
            uid, gid = outer_root(uid_map), outer_root(gid_map)
            kernel.let_pass(run.directory, gid)
            layers = [f"lower{n}" for n in range(int(str(run.facts.get("copied", 0))))]
            for name in (*SHIFTED, *layers):
                if kernel.exists(f"{run.directory}/{name}"):
                    kernel.shift_owners(f"{run.directory}/{name}", uid, gid)
        if ids.helper:
            for program, lines in (("newuidmap", uid_map), ("newgidmap", gid_map)):
                try:
                    argv = self.newuidmap_argv(program, pid, lines)
                    self.told_as("newuidmap_argv", kernel.run, argv)
                except (KernelError, OSError) as problem:
                    raise Blocked(
                        f"{program} refuses: {getattr(problem, 'detail', '') or problem}",
                        "see /etc/subuid and /etc/subgid, or: --uidmap 0:$(id -u):1",
                    ) from None
        else:
            self.write_maps(kernel, pid, uid_map, gid_map, ids.setgroups)

    def inside(self, kernel: Kernel, run: Run) -> None:
        """Become the root of the new namespace: what is made from here on belongs to it."""
        ids = run.spec.ids
        if ids and ids.shift:
            # The last moment with the host's root's ids: they may walk to the state directory.
            door = f"/proc/self/fd/{kernel.open(run.directory, os.O_PATH)}"
            run.root = run.root.replace(run.directory, door)
            run.directory = door  # only this process's copy of the record changes
            for mount in run.spec.mounts:  # the way to a volume is closed to others, too
                if mount.volume:
                    mount.source = f"/proc/self/fd/{kernel.open(mount.source, os.O_PATH)}"
        self.become_root(kernel)

    @staticmethod
    def map_lines(outer: int, sub: list[int] | None) -> str:
        """Write an id map: root inside is `outer`; from 1 on come the subordinate ids, if any.

        One line a range: first id inside, first id outside, how many. `sub` is [first, count].
        user_namespaces(7), subuid(5)
        """
        lines = f"0 {outer} 1\n"
        if sub:
            lines += f"1 {sub[0]} {sub[1]}\n"
        return lines

    @staticmethod
    def write_maps(kernel: Kernel, pid: int, uid_map: str, gid_map: str, setgroups: str) -> None:
        """Write both maps of process `pid`, each with one write(2); a map is written once for all.

        Without CAP_SETGID outside, the kernel takes a gid_map only after setgroups is "deny": else
        a user could leave a group that takes rights *away* from its members. user_namespaces(7)
        """
        kernel.write(f"/proc/{pid}/setgroups", setgroups)
        kernel.write(f"/proc/{pid}/uid_map", uid_map)
        kernel.write(f"/proc/{pid}/gid_map", gid_map)

    @staticmethod
    def newuidmap_argv(program: str, pid: int, lines: str) -> list[str]:
        """Return the command line by which newuidmap(1) or newgidmap(1) writes a map for us.

        They are setuid programs: they write what /etc/subuid and /etc/subgid allow the caller.
        """
        return [program, str(pid), *lines.split()]

    @staticmethod
    def become_root(kernel: Kernel) -> None:
        """Take the inner ids 0: real, effective and saved.

        A map changes nobody's ids: until then the process has its outer ones. Ids without a place
        in the map show as 65534, and what the host's root makes there belongs to the host's root.
        setresuid(2), setresgid(2)
        """
        kernel.setresgid(0, 0, 0)
        kernel.setresuid(0, 0, 0)
