"""Mounting: every mount of a bundle in its order, of any type, then /dev and the settings."""

from __future__ import annotations

import os
from errno import EEXIST, EPERM

from minidocker.errors import KernelError, MinidockerError
from minidocker.kernel.flags import (
    DEVICES,
    MS_BIND,
    MS_NOSUID,
    MS_RDONLY,
    MS_REMOUNT,
    MS_UNBINDABLE,
)
from minidocker.oci.kinds import NODES, Device
from minidocker.oci.wall import Wall
from minidocker.stages.base import CLOSED, place
from minidocker.stages.mounts import LINKS
from minidocker.stages.mounts import Mounts as PlainMounts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
    from minidocker.oci.mount_options import Attach
    from minidocker.spec.spec import Run


class Mounts(Wall, PlainMounts):
    """The bundle's list decides: nothing is mounted that it does not name."""

    taken: dict[int, tuple[int, str]] = {}  # place in the list → what the host took: trees.py
    nodes: dict[str, int] = {}  # path → a node that it made

    def before(self, kernel: Kernel, run: Run) -> None:
        """Load what the child will need when it can load nothing any more."""
        from minidocker.kernel import copying, detached  # noqa: F401
        from minidocker.oci.trees import take_all, take_nodes
        from minidocker.spec import sysctl  # noqa: F401

        self.taken = take_all(kernel, self.bundle)
        self.nodes = take_nodes(kernel, self.bundle, run.directory) if self.own_dev() else {}

    def outside(self, kernel: Kernel, run: Run, pid: int) -> None:
        """Let go of the trees, which the child has, too; once, though `after` comes here again."""
        while self.taken:
            os.close(self.taken.popitem()[1][0])
        while self.nodes:
            os.close(self.nodes.popitem()[1])

    def inside(self, kernel: Kernel, run: Run) -> None:
        """Mount, make nodes, write settings, make the working directory."""
        for number, attach in enumerate(self.bundle.mounts):
            self.attach(kernel, run, attach, self.taken.get(number))
        own = self.own_dev()
        for device in self.bundle.devices:
            if device.path in self.nodes:
                target = kernel.target(run.root, device.path, "file")
                kernel.move_mount(self.nodes[device.path], target)
            elif not (own and device.path == "/dev/ptmx"):  # which leads to the own devpts
                make_node(kernel, run.root, device)
        if own:
            self.fill_dev(kernel, run)
            if run.spec.process.terminal:  # before a read-only /dev becomes so
                kernel.target(run.root, "/dev/console", "file")
        for attach in self.bundle.mounts:  # until here, what lies on them had to be made
            if is_late(attach):
                top = kernel.target(run.root, attach.destination)
                kernel.mount("", top, "", MS_REMOUNT | MS_BIND | attach.flags)
        if run.spec.sysctl:
            from minidocker.spec import sysctl

            place_of = kernel.target(run.root, "/proc/sys")
            if kernel.filesystem(place_of) != "proc":
                raise MinidockerError("sysctl: the container's /proc is no procfs", "mount one")
            sysctl.write(kernel, place_of, run.spec.sysctl)
        kernel.target(run.root, run.spec.process.cwd)

    def attach(
        self, kernel: Kernel, run: Run, attach: Attach, taken: tuple[int, str] | None
    ) -> None:  # fmt: skip
        """Do one entry of `mounts`; of some the host has taken the source."""
        from minidocker.oci.trees import LATER  # loaded by now

        if taken and taken[1] == LATER:
            self.bind_one(kernel, run, attach, taken[0])
        elif taken:
            tree, kind = taken
            kernel.move_mount(tree, spot(kernel, run.root, attach.destination, kind))
            os.close(tree)
        elif attach.bind:
            self.bind_one(kernel, run, attach)
        elif attach.type == "cgroup":
            show_cgroups(kernel, run, attach)
        else:
            self.mount_one(kernel, run, attach)

    def mount_one(self, kernel: Kernel, run: Run, attach: Attach) -> None:
        """Mount a file system."""
        was_there = attach.type == "tmpfs" and kernel.kind(run.root + attach.destination)
        target = spot(kernel, run.root, attach.destination)
        if attach.type in CLOSED:
            refuse_link(run.root, attach.destination, target)
        if was_there and "mode=" not in attach.data:  # as the directory that it covers
            mode = f"mode={os.stat(target).st_mode & 0o7777:o}"
            attach.data = f"{attach.data},{mode}".lstrip(",")
        if attach.type == "proc" and attach.destination == "/proc" and "mount_proc" in self.origin:
            self.mount_proc(kernel, run.root)
        elif attach.copy_up:
            copy_up(kernel, run, attach, target)
        else:
            flags = attach.flags & ~MS_RDONLY if is_late(attach) else attach.flags
            kernel.mount(attach.source, target, attach.type, flags, attach.data)
        if attach.changes:
            from minidocker.kernel import detached

            top = kernel.open(kernel.target(run.root, attach.destination), os.O_PATH)
            for one in attach.changes:
                detached.change(top, one.set, one.clear, one.propagation, one.recursive)
            os.close(top)
        if attach.propagation and not attach.propagation & MS_UNBINDABLE:
            kernel.mount("", kernel.target(run.root, attach.destination), "", attach.propagation)

    def bind_one(self, kernel: Kernel, run: Run, attach: Attach, owners: int = -1) -> None:
        """Show a path of the host: its flags are set while the copy is mounted nowhere yet.

        `owners` is a user namespace whose maps its files get; -1: they keep their owners.
        """
        from minidocker.oci.trees import kind_of, map_owners, shape

        kind = kind_of(kernel, attach)
        target = spot(kernel, run.root, attach.destination, kind)
        if "bind" in self.origin and owners < 0:
            read_only = bool(attach.flags & MS_RDONLY)
            return self.bind(kernel, attach.source, target, read_only)
        from minidocker.kernel import detached

        tree = detached.copy_of(attach.source, attach.whole)
        try:
            shape(tree, attach)
            if owners >= 0:
                map_owners(tree, owners, attach)
            kernel.move_mount(tree, target)
        finally:
            os.close(tree)

    def own_dev(self) -> bool:
        """Say whether /dev is the container's own; one that is bound stays as it is."""
        return not any(a.bind and a.destination.rstrip("/") == "/dev" for a in self.bundle.mounts)

    def fill_dev(self, kernel: Kernel, run: Run) -> None:
        """Make the nodes and links that every container has. config-linux.md, "Default Devices" """
        listed = {device.path for device in self.bundle.devices}
        for name, (major, minor) in DEVICES.items():
            if f"/dev/{name}" not in listed:
                make_node(kernel, run.root, Device(
                    path=f"/dev/{name}", type="c", major=major, minor=minor, mode=0o666, uid=0,
                    gid=0,
                ))  # fmt: skip
        dev = kernel.target(run.root, "/dev")
        for name, leads_to in LINKS.items():
            try:
                kernel.symlink(leads_to, f"{dev}/{name}")
            except KernelError as problem:
                if problem.errno != EEXIST:
                    raise


def spot(kernel: Kernel, root: str, path: str, kind: str = "dir") -> str:
    """Make a mount point, as the stages do; below /sys it may lie, too, where the bundle says so.

    The bundle's own words must name /sys: a link in the image does not lead there.
    """
    plain = "/" + "/".join(part for part in path.split("/") if part not in ("", "."))
    target = kernel.target(root, path, kind)
    if plain.startswith("/sys/") and ".." not in plain and kernel.filesystem(target) == "sysfs":
        return target
    return place(kernel, root, path, kind)


def is_late(attach: Attach) -> bool:
    """Say whether a mount is read-only, and can be so only when all lies on it: a tmpfs."""
    return attach.type == "tmpfs" and bool(attach.flags & MS_RDONLY)


def unbindable(kernel: Kernel, mounts: list[Attach]) -> None:
    """Make mounts unbindable after the pivot, which binds the whole root. mount_namespaces(7)"""
    for attach in mounts:
        if attach.propagation & MS_UNBINDABLE:
            kernel.mount("", kernel.target("/", attach.destination), "", attach.propagation)


def refuse_link(root: str, destination: str, target: str) -> None:
    """Refuse a link in the image where /proc or /sys goes: the masks are set by paths."""
    wanted = os.path.normpath(f"{root}/{destination}")
    if os.readlink(target) != wanted:
        raise MinidockerError(
            f"{destination} must be mounted on ordinary directory: of the image it is a link",
            "an image without that link",
        )


def copy_up(kernel: Kernel, run: Run, attach: Attach, target: str) -> None:
    """Mount a tmpfs that begins with what the image has there; read-only only when it is full."""
    covered = kernel.open(target, os.O_RDONLY | os.O_DIRECTORY)
    flags = attach.flags & ~MS_RDONLY
    kernel.mount(attach.source, target, attach.type, flags, attach.data)
    top = kernel.target(run.root, attach.destination)
    mode = os.stat(top).st_mode & 0o7777
    kernel.fill_directory(f"/proc/self/fd/{covered}", top)
    os.chmod(top, mode)  # what `mode=` says, and not what is covered
    os.close(covered)


def make_node(kernel: Kernel, root: str, device: Device) -> None:
    """Make one node; where nobody may make any, bind the host's. mknod(2)"""
    directory = kernel.target(root, os.path.dirname(device.path))
    path = f"{directory}/{os.path.basename(device.path)}"
    kind = NODES[device.type]
    try:
        kernel.mknod(path, kind | device.mode, (device.major, device.minor))
    except KernelError as problem:
        if problem.errno == EEXIST:
            return check_node(device, path)
        if problem.errno != EPERM or device.type == "p":
            raise
        check_node(device, device.path)
        target = kernel.target(root, device.path, "file")
        kernel.mount(device.path, target, "", MS_BIND)
        return
    if device.uid or device.gid:
        os.chown(path, device.uid, device.gid, follow_symlinks=False)


def check_node(device: Device, path: str) -> None:
    """Take a node that is there already only when it is the one that was asked for."""
    found = os.stat(path, follow_symlinks=False)
    same = found.st_mode & 0o170000 == NODES[device.type]
    if not same or (os.major(found.st_rdev), os.minor(found.st_rdev)) != (
        device.major or 0, device.minor or 0,
    ):  # fmt: skip
        raise MinidockerError(
            f"{device.path} is there already, and is another file", "an image without it"
        )


def show_cgroups(kernel: Kernel, run: Run, attach: Attach) -> None:
    """Mount what the bundle calls "cgroup": version 2, or the container's own of each tree.

    Version 2 begins where the cgroup namespace does; of version 1, each tree shows the container's
    cgroup alone, as runc does it.
    """
    from minidocker.oci.groups import ROOT

    own = str(run.facts.get("cgroup", ""))
    old = run.facts.get("cgroups")
    if not old:
        target = place(kernel, run.root, attach.destination)
        try:
            return kernel.mount("cgroup", target, "cgroup2", attach.flags, attach.data)
        except KernelError as problem:
            if problem.errno != EPERM:
                raise  # else: a user namespace without a cgroup namespace of its own
        return show_tree(kernel, own or ROOT, target, attach.flags)
    target = place(kernel, run.root, attach.destination)
    kernel.mount("tmpfs", target, "tmpfs", attach.flags & ~MS_RDONLY | MS_NOSUID, "mode=755")
    for directory in [*old, *([own] if own else [])] if isinstance(old, list) else []:
        name = os.path.relpath(str(directory), ROOT).split("/")[0]
        inside = kernel.target(run.root, f"{attach.destination}/{name}")
        show_tree(kernel, str(directory), inside, attach.flags)
    if attach.flags & MS_RDONLY:
        top = kernel.target(run.root, attach.destination)
        kernel.mount("", top, "", MS_REMOUNT | MS_BIND | MS_RDONLY | attach.flags)


def show_tree(kernel: Kernel, directory: str, target: str, flags: int) -> None:
    """Bind a cgroup's directory, with the flags of the mount; at least nosuid, nodev, noexec.

    With what is mounted below: a user namespace may not take a tree of the host's apart.
    """
    from minidocker.kernel import detached
    from minidocker.kernel.flags import MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NOSUID

    tree = detached.copy_of(directory, True)
    attributes = MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSUID
    detached.change(tree, attributes | (flags & MS_RDONLY), 0, 0, True)
    kernel.move_mount(tree, target)
    os.close(tree)
