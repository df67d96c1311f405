"""Walls: the stages of `run` where a bundle words them otherwise, and their order.

Each is a stage with the same parts, so a learner's functions serve here, too.
"""

from __future__ import annotations

from minidocker.errors import Blocked, KernelError
from minidocker.kernel.flags import (
    CAP_SYS_ADMIN,
    CLONE_NEWCGROUP,
    CLONE_NEWTIME,
    MNT_DETACH,
    MS_BIND,
    MS_PRIVATE,
    MS_REC,
    MS_SHARED,
    MS_SLAVE,
    PR_SET_DUMPABLE,
)
from minidocker.kernel.named import os
from minidocker.oci import affinity, groups, host_mounts
from minidocker.oci.identity import Identity
from minidocker.oci.manner import Manner
from minidocker.oci.mounting import Mounts, unbindable
from minidocker.oci.moving import move_root
from minidocker.oci.wall import Wall
from minidocker.places import ROOM
from minidocker.runtime.child import seal
from minidocker.stages.capabilities import Capabilities as PlainCapabilities
from minidocker.stages.cgroup import Cgroup as PlainCgroup
from minidocker.stages.ipc import Ipc
from minidocker.stages.masks import Masks as PlainMasks
from minidocker.stages.masks import real_null
from minidocker.stages.network import Network
from minidocker.stages.no_new_privs import NoNewPrivs
from minidocker.stages.pid import Pid
from minidocker.stages.propagation import Propagation as PlainPropagation
from minidocker.stages.rlimits import Rlimits
from minidocker.stages.rootfs import Rootfs as PlainRootfs
from minidocker.stages.seccomp import Seccomp as PlainSeccomp
from minidocker.stages.time import Time as PlainTime
from minidocker.stages.user import User as PlainUser
from minidocker.stages.uts import Uts as PlainUts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
    from minidocker.oci.kinds import Bundle
    from minidocker.spec.spec import Run
    from minidocker.stages.base import Stage


class User(Wall, PlainUser):
    """A user namespace, with the bundle's maps or one that is joined: its root does the rest."""

    def outside(self, kernel: Kernel, run: Run, pid: int) -> None:
        """Write the maps of one that is new."""
        if run.spec.ids:
            super().outside(kernel, run, pid)


class Joined(Wall):
    """Namespaces by path: entered by the child's parent, so that the child is born in them."""

    name = "joined"

    def before(self, kernel: Kernel, run: Run) -> None:
        """Open them while the host is in sight: an open file keeps its namespace alive."""
        from minidocker.oci.doors import open_paths

        self.doors = open_paths(self.bundle.namespaces)
        for door in self.doors:
            if door.name == "pid":
                from minidocker.oci import tracers

                tracers.refuse(os.readlink(f"/proc/self/fd/{door.fd}"))

    def parent(self, kernel: Kernel, run: Run) -> None:
        """Enter them; whoever is in a pid namespace already must not look into what comes."""
        own = self.bundle.namespaces
        if own.get("pid") and own.get("user") != "":  # else its maps could not be written
            kernel.forget_environment()
            kernel.prctl(PR_SET_DUMPABLE, 0)
        if own.get("mnt"):
            seal()  # the next import would run Python of that tree
        for door in self.doors:
            kernel.setns(door.fd, door.flag)


class Cgroup(Wall, PlainCgroup):
    """The cgroups of cgroupsPath, and a namespace that has them as its root."""

    def before(self, kernel: Kernel, run: Run) -> None:
        """Make them and set the limits, so that the child is born inside."""
        if "cgroups" not in run.facts:  # --cgroup-manager disabled
            return groups.refuse_limits(self.bundle.resources)
        path = groups.path_of(self.bundle.cgroup, run.id)
        groups.make(kernel, self, path, self.bundle.resources, run.facts)
        # In a room nobody has a cgroup, and Podman names one all the same.
        if self.bundle.cgroup and not groups.has_any(run.facts) and ROOM not in os.environ:
            raise Blocked(
                f"applying cgroup configuration: linux.cgroupsPath {path}: permission denied",
                "leave it out, or name a cgroup that is yours",
            )

    def outside(self, kernel: Kernel, run: Run, pid: int) -> None:
        """Put the child into those of version 1; a clone does so for version 2 alone."""
        groups.enter(kernel, run.facts, pid)
        affinity.spread(pid)

    def inside(self, kernel: Kernel, run: Run) -> None:
        """Make the namespace here: a cgroup namespace begins where its first process is now."""
        if self.bundle.namespaces.get("cgroup") == "":
            kernel.unshare(CLONE_NEWCGROUP)

    def after(self, kernel: Kernel, run: Run) -> None:
        """Kill what is left in them, and remove them."""
        groups.remove(kernel, run.facts, self)


class Propagation(Wall, PlainPropagation):
    """What is mounted in here stays in here; what the host mounts may come in, where asked for."""

    def before(self, kernel: Kernel, run: Run) -> None:
        """Without a mount namespace, make a place on the host that is cut off."""
        if host_mounts.are_used(self.bundle):
            host_mounts.put(kernel, run)

    def inside(self, kernel: Kernel, run: Run) -> None:
        """Cut the mounts off from the host's, or make them followers."""
        wanted = self.bundle.propagation
        if host_mounts.are_used(self.bundle):
            return
        if wanted & ~MS_REC in (0, MS_PRIVATE):
            self.make_private(kernel)
        else:
            kernel.mount("", "/", "", wanted | MS_REC)
            hold_in(kernel, run.root)

    def after(self, kernel: Kernel, run: Run) -> None:
        """Take that place away."""
        host_mounts.take_away(kernel, run.directory)


def hold_in(kernel: Kernel, root: str) -> None:
    """Make the mount that the new root lies on private: pivot_root(2) refuses a shared one."""
    path = root
    while True:
        try:
            return kernel.mount("", path, "", MS_PRIVATE)
        except KernelError:
            if path == "/":
                raise
            path = os.path.dirname(path)  # no mount point: the mount is further up


class Rootfs(Wall, PlainRootfs):
    """The bundle's root, after the hooks that may still see the host's files."""

    def inside(self, kernel: Kernel, run: Run) -> None:
        """Let the hooks run, then change the root."""
        self.story.pause()  # prestart and createRuntime, in the caller's namespaces
        if self.bundle.hooks["createContainer"]:
            kernel.chdir(run.root)  # as in runc; they say `./etc/…`
            self.story.run_hooks("createContainer")
        if host_mounts.are_used(self.bundle):
            host_mounts.enter(kernel, run.directory)
        elif self.bundle.no_pivot:
            move_root(kernel, run.root)
        elif self.bundle.propagation & ~MS_REC == MS_SHARED:
            pivot_among_peers(kernel, run.root)
        else:
            self.pivot(kernel, run.root)
        unbindable(kernel, self.bundle.mounts)
        if self.bundle.propagation:
            kernel.mount("", "/", "", self.bundle.propagation)
        if run.spec.root.readonly:
            self.read_only_root(kernel)


def pivot_among_peers(kernel: Kernel, root: str) -> None:
    """Change the root where mounts are shared with the host, as for `rshared` volumes.

    To detach the old root would unmount all below it on the host, too, so it becomes a follower
    first. The new root's mounts are copies by then, and stay peers. mount_namespaces(7)
    """
    old = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    kernel.mount(root, root, "", MS_BIND | MS_REC)
    kernel.chdir(root)
    kernel.pivot_root(".", ".")
    os.fchdir(old)  # else "." would be the new root
    os.close(old)
    kernel.mount("", ".", "", MS_SLAVE | MS_REC)
    kernel.umount2(".", MNT_DETACH)
    kernel.chdir("/")


class Masks(Wall, PlainMasks):
    """The bundle's lists of paths to hide and to protect."""

    def inside(self, kernel: Kernel, run: Run) -> None:
        """Cover them. Device nodes are the cgroup's matter here."""
        hidden = self.bundle.masked
        if hidden and "mask_paths" in self.origin:
            self.mask_paths(kernel, hidden)
        elif hidden:
            self.hide(kernel, hidden)
        self.read_only_paths(kernel, self.bundle.read_only)

    def hide(self, kernel: Kernel, paths: list[str]) -> None:
        """Hide all directories behind one empty file system: the kernel has to make it once.

        We stand in it, so that no name is asked again, and see that we do.
        """
        null, stands = real_null(kernel), False
        for path in (path if path.startswith("/") else f"/{path}" for path in paths):
            directory = kernel.kind(path) == "dir"
            if directory and stands:
                kernel.mount(".", path, "", MS_BIND)
                continue
            self.mask_paths(kernel, [path], null)
            if directory:
                kernel.chdir(path)
                stands = kernel.filesystem(".") == "tmpfs"
        kernel.chdir("/")


class Uts(Wall, PlainUts):
    """Names, where the bundle has any."""

    def inside(self, kernel: Kernel, run: Run) -> None:
        """Set them."""
        if run.spec.hostname:
            super().inside(kernel, run)
        elif run.spec.domainname:
            kernel.setdomainname(run.spec.domainname)


class Time(Wall, PlainTime):
    """A time namespace, whose clocks are set while nobody is in it."""

    late = False

    def before(self, kernel: Kernel, run: Run) -> None:
        """See who we are: an ordinary user may make none but in the user namespace that comes."""
        self.late = os.geteuid() != 0 and self.bundle.namespaces.get("user") == ""

    def parent(self, kernel: Kernel, run: Run) -> None:
        """Make the namespace for children, and set its clocks."""
        if not self.late:
            self.make(kernel)

    def inside(self, kernel: Kernel, run: Run) -> None:
        """Make it here, where nobody could before, and enter."""
        if self.late:
            self.make(kernel)
            door = os.open("/proc/self/ns/time_for_children", os.O_RDONLY | os.O_CLOEXEC)
            kernel.setns(door, CLONE_NEWTIME)
            os.close(door)

    def make(self, kernel: Kernel) -> None:
        """Make the namespace for children of this process; nobody is in it yet."""
        kernel.unshare(CLONE_NEWTIME)
        if self.bundle.offsets:
            kernel.write("/proc/self/timens_offsets", self.bundle.offsets)


class Capabilities(Wall, PlainCapabilities):
    """Five sets, as the bundle has them; of each, what we have ourselves.

    The exec leaves a user who is not root what is ambient; until then the others count. exec(2)
    """

    def inside(self, kernel: Kernel, run: Run) -> None:
        """Drop what is not in them."""
        sets = self.bundle.sets
        _, held, _ = kernel.capget()
        keep = sets.bounding & held
        inheritable = sets.inheritable & keep
        now = sets.permitted & held
        if "seccomp" in run.spec.stages and not run.spec.process.no_new_privs:
            now |= 1 << CAP_SYS_ADMIN & held  # else the kernel takes no filter from us
        self.drop_capabilities(kernel, keep, now | inheritable)
        if inheritable:
            kernel.capset(now, now, inheritable)
        if ambient := sets.ambient & sets.inheritable & sets.permitted & now:
            kernel.raise_ambient(ambient)


class Seccomp(Wall, PlainSeccomp):
    """The bundle's filter, with the flags that it asks for."""

    def inside(self, kernel: Kernel, run: Run) -> None:
        """Install it; flags are ours, since a learner's function takes none."""
        if self.bundle.seccomp_flags:
            listener = kernel.seccomp(self.program, self.bundle.seccomp_flags)
            if self.bundle.listener:
                self.story.tell_of(listener)
        else:
            self.install_filter(kernel, self.program)


def chosen(bundle: Bundle) -> list[type[Stage]]:
    """Return the walls of a bundle, in the order in which the child passes them.

    That of `run`, but for the cgroup: what is mounted of it begins at the container's own.
    """
    own = bundle.namespaces
    optional = {
        User: "user" in own, Joined: any(own.values()), Uts: "uts" in own, Ipc: "ipc" in own,
        Time: own.get("time") == "", Network: own.get("net") == "", Seccomp: bool(bundle.seccomp),
        Manner: bool(bundle.manner),
    }  # fmt: skip
    order: tuple[type[Stage], ...] = (
        User, Joined, Cgroup, Pid, Time, Propagation, Mounts, Rootfs, Masks, Uts, Ipc, Network,
        Manner, Identity, Rlimits, NoNewPrivs, Capabilities, Seccomp,
    )  # fmt: skip
    return [stage for stage in order if optional.get(stage, True)]


ENTERING: tuple[type[Stage], ...] = (Manner, Identity, Rlimits, NoNewPrivs, Capabilities, Seccomp)
