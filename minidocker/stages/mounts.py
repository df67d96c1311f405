"""What is mounted in the container: /proc, /dev, /sys, volumes.

All of it is mounted on the new root *before* the old one is let go: without privileges
on the host, the kernel refuses a fresh procfs once no full one is in sight.
"""

from __future__ import annotations

import os
from errno import EINVAL, ELOOP, ENOTDIR, EPERM

from minidocker.errors import KernelError, MinidockerError
from minidocker.kernel.flags import (
    DEVICES,
    MOUNT_ATTR_NODEV,
    MOUNT_ATTR_NOSUID,
    MOUNT_ATTR_RDONLY,
    MS_BIND,
    MS_MOVE,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_RDONLY,
    MS_REC,
    MS_REMOUNT,
    MS_STRICTATIME,
    S_IFCHR,
)
from minidocker.spec.words import LIST, VALUE, Option, parse_size
from minidocker.stages.base import Stage, place, show_node

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
    from minidocker.spec.spec import Mount, Run, Spec
    from minidocker.spec.words import Asked

CGROUP2 = "/sys/fs/cgroup/cgroup.controllers"  # this file is there on version 2 alone
TTY = 5  # the group of terminals, in every distribution
OWN = ("proc", "dev", "sys")
SAFE = MS_NOSUID | MS_NODEV | MS_NOEXEC
LINKS = {
    "fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2", "ptmx": "pts/ptmx",
}  # fmt: skip


def mount_or_show(kernel: Kernel, kind: str, source: str, target: str, flags: int) -> bool:
    """Mount a file system of a namespace; say whether it could be.

    A user namespace may mount those of its own namespaces only: with --network host, say, the
    sysfs is the host's, and is shown read-only as it is mounted there.
    """
    try:
        kernel.mount(kind, target, kind, flags)
        return True
    except KernelError as problem:
        if problem.errno != EPERM:
            raise
    kernel.mount(source, target, "", MS_BIND | MS_REC)
    if flags & MS_RDONLY:
        kernel.mount_setattr(target, MOUNT_ATTR_RDONLY, True)
    return False


def parse_volume(text: str, touch: bool = True) -> Mount:
    """Read -v; `touch` False looks at no file."""
    from minidocker.volumes import words

    return words.parse_volume(text, touch)


def parse_tmpfs(text: str, option: str) -> Mount:
    """Read --tmpfs."""
    from minidocker.volumes import words

    return words.parse_tmpfs(text, option)


class Mounts(Stage):
    """Give the process its own /proc, and on a new root its own /dev and /sys."""

    name = "mounts"
    needs = ("propagation",)
    mounts = True
    options = (
        Option("-v --volume", LIST, "[SRC:]DST[:ro]", "as in Docker",
               "show a host path, a volume by its name, or a new volume inside"),
        Option("--mount", LIST, "KEY=VALUE,…", "as in Docker",
               "the same in words: type=bind|volume|tmpfs,source=…,target=…,readonly"),
        Option("--volumes-from", LIST, "CONTAINER[:ro]", "as in Docker",
               "the volumes of another container"),
        Option("--tmpfs", LIST, "DST[:OPTIONS]", "as in Docker",
               "an empty file system in memory; exec, size=64m, mode=1777…", read=parse_tmpfs),
        Option("--shm-size", VALUE, "SIZE", "as in Docker", "size of /dev/shm; 64m if not said",
               read=parse_size, field="shm_size", typed=True),
        Option("--sysctl", LIST, "NAME=VALUE", "rights",
               "a setting of a namespace of its own, such as net.ipv4.ip_forward=1"),
    )  # fmt: skip
    parts = ("mount_proc", "make_dev", "private_shm", "mount_sys", "bind")

    def __init__(self) -> None:
        super().__init__()
        self.shown: type | None = None  # how a learner's make_dev sees the kernel
        self.held: dict[str, int] = {}  # volume → the lock that is held while it is filled

    @classmethod
    def plan(cls, spec: Spec, asked: Asked) -> None:
        """Put down what is mounted, and the settings that go with the namespaces."""
        super().plan(spec, asked)
        if any(key in asked for key in ASKING) or asked.image.get("Volumes"):
            from minidocker.volumes.asked import volumes_asked

            given = [parse_volume(text, asked.touch) for text in asked.get("volume", ())]
            spec.mounts = volumes_asked(asked, given)
        if "sysctl" in asked:
            from minidocker.spec import sysctl

            spec.sysctl = dict(sysctl.parse(text, "--sysctl") for text in asked["sysctl"])
            sysctl.refuse_shared(spec, asked)

    def before(self, kernel: Kernel, run: Run) -> None:
        """Make the room of a --rootfs, and volumes that are new; hold each until it is filled."""
        if (room := self.workshop(run)) != run.root:
            for path in (room, *(f"{room}/{name}" for name in OWN)):
                kernel.mkdir(path)
        if any(mount.volume or mount.missing for mount in run.spec.mounts):
            from minidocker.volumes.holding import hold

            self.held = hold(kernel, run)
        if "make_dev" in self.origin:  # a learner's asks for nodes as root of the machine would
            from minidocker.kernel import shown_nodes

            self.shown = shown_nodes.Showing

    def outside(self, kernel: Kernel, run: Run, pid: int) -> None:
        """Leave the locks to the child, which has them from us: it lets go when it has filled."""
        while self.held:
            let_go(self.held.popitem()[1])

    def after(self, kernel: Kernel, run: Run) -> None:
        """Let go of what a start that failed has still held."""
        self.outside(kernel, run, 0)

    @staticmethod
    def workshop(run: Run) -> str:
        """Return where the container's file systems are put together.

        A directory of --rootfs may be a volume of another container, too: who renames its /dev and
        leaves a link there would have nodes made in the host's. So it is done beside it.
        """
        named = run.spec.root and run.spec.root.path
        return f"{run.directory}/room" if named else run.root

    def inside(self, kernel: Kernel, run: Run) -> None:
        """Mount what belongs to this container; on the host's root, only /proc."""
        if run.root:
            for name in OWN:
                kernel.target(run.root, f"/{name}")
        room = self.workshop(run)
        self.mount_proc(kernel, room)
        if run.root:
            self.make_dev(self.shown(kernel, show_node) if self.shown else kernel, room)
            self.place_shm(kernel, run)
            self.mount_sys(kernel, room)
            self.look_back(kernel, run)
        if run.spec.sysctl:
            from minidocker.spec import sysctl  # which the plan has loaded

            sysctl.write(kernel, f"{room}/proc/sys", run.spec.sysctl)
        if room != run.root:
            self.move_in(kernel, room, run.root)
        for mount in sorted(run.spec.mounts, key=lambda m: m.destination.count("/")):
            if mount.type == "tmpfs":
                target = place(kernel, run.root, mount.destination)
                flags = MS_NOSUID | MS_NODEV if mount.flags is None else mount.flags
                kernel.mount("tmpfs", target, "tmpfs", flags, mount.options)
            else:
                self.show(kernel, run, mount)
        process = run.spec.process
        if run.root and process and process.cwd != "/":
            # Made when it is missing, as in Docker, and before the user and the right to write
            # change. It must lie in the new root: a link of procfs could lead out of it.
            kernel.target(run.root, process.cwd)

    def show(self, kernel: Kernel, run: Run, mount: Mount) -> None:
        """Bind a volume or a path of the host; an empty volume first takes what the image has.

        Without what must not work through it: a setuid program of the host's would make a user
        inside its owner; and a node that another container has made there must not work here.
        """
        target = place(kernel, run.root, mount.destination, mount.options)
        name, source = mount.volume or "", mount.source
        if name in self.held:
            if run.root:
                kernel.fill_directory(target, source)
            let_go(self.held.pop(name))
        attributes = 0
        if not (run.spec.linux and run.spec.linux.privileged):
            masked = "masks" in (run.spec.stages or ()) and mount.destination != "/dev"
            dead = MOUNT_ATTR_NODEV if masked else 0  # of /dev, masks leaves some alive
            attributes = MOUNT_ATTR_NOSUID | dead
        if not (mount.flat or mount.shallow or "bind" in self.origin):
            # In one: between two calls by name, who shares the volume around it could rename.
            read_only = MOUNT_ATTR_RDONLY if mount.readonly else 0
            kernel.bind_tree(source, target, attributes | read_only)
            return
        if mount.flat or mount.shallow:
            kernel.mount(source, target, "", MS_BIND | (0 if mount.flat else MS_REC))
            if mount.readonly:
                kernel.mount_setattr(target, MOUNT_ATTR_RDONLY, False)
        else:
            self.bind(kernel, source, target, bool(mount.readonly))
        if attributes:
            kernel.mount_setattr(target, attributes, True)

    def move_in(self, kernel: Kernel, room: str, root: str) -> None:
        """Move the file systems into their root, each to a descriptor that no link has led to."""
        for name in OWN:
            try:
                fd = kernel.open(f"{root}/{name}", os.O_PATH | os.O_NOFOLLOW | os.O_DIRECTORY)
            except KernelError as problem:
                if problem.errno not in (ELOOP, ENOTDIR):
                    raise
                raise MinidockerError(
                    f"/{name} of --rootfs {root} has become a symbolic link",
                    "a directory that no other container can write to",
                ) from None
            kernel.mount(f"{room}/{name}", f"/proc/self/fd/{fd}", "", MS_MOVE)

    def look_back(self, kernel: Kernel, run: Run) -> None:
        """See that what was promised is there, whoever has mounted it: /proc, /sys, the queues.

        A link in an image may have led the mount away, and a user namespace may have shown the
        host's file system in place of the container's own.
        """
        room = self.workshop(run)
        for name, kind in (("proc", "proc"), ("sys", "sysfs")):
            if (seen := kernel.filesystem(f"{room}/{name}")) not in (kind, ""):
                raise MinidockerError(
                    f"/{name} of the container is no {kind} but {seen}",
                    "an image without that link",
                )
        sharing, stages = run.spec.sharing or {}, run.spec.stages or ()
        for stage, path in (("network", "/sys"), ("ipc", "/dev/mqueue")):
            shared = {"network": "net"}.get(stage, stage) in sharing or stage not in stages
            hosts = kernel.superblock(path)
            if not shared and hosts and kernel.superblock(room + path) == hosts:
                raise MinidockerError(
                    f"{path} of the container would be the host's: the kernel gives it no own one",
                    f"--{stage} host   if it may be shared",
                )

    def place_shm(self, kernel: Kernel, run: Run) -> None:
        """Put POSIX shared memory where the ipc namespace comes from: new, the host's, another's.

        The ipc namespace does not hold these files, so --ipc would be half a promise without it.
        """
        mode = (run.spec.sharing or {}).get("ipc", "private")
        room = self.workshop(run)
        shm = f"{room}/dev/shm"
        if "shm" in run.facts:  # the launcher took it from the other container
            kernel.move_mount(int(str(run.facts["shm"])), shm)
        elif mode == "host":
            self.bind(kernel, "/dev/shm", shm, False)
        else:
            self.private_shm(kernel, room)
            if run.spec.shm_size:
                kernel.mount("", shm, "", MS_REMOUNT | SAFE, f"size={run.spec.shm_size}")

    @staticmethod
    def mount_proc(kernel: Kernel, root: str) -> None:
        """Mount a procfs of this pid namespace on `root`/proc.

        A procfs shows the pid namespace of the process that mounts it. proc(5)
        """
        kernel.mount("proc", f"{root}/proc", "proc", SAFE)

    @staticmethod
    def make_dev(kernel: Kernel, root: str) -> None:
        """Make a small /dev on a tmpfs: no disks, only what every program expects.

        The tmpfs itself must not be nodev, or its nodes would be dead. mknod(2), pts(4)
        """
        dev = f"{root}/dev"
        kernel.mount("tmpfs", dev, "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=64k")
        for name, number in DEVICES.items():
            try:
                kernel.mknod(f"{dev}/{name}", S_IFCHR | 0o666, number)
            except KernelError as problem:
                if problem.errno != EPERM:
                    raise
                show_node(kernel, f"/dev/{name}", f"{dev}/{name}")
        for name, target in LINKS.items():
            kernel.symlink(target, f"{dev}/{name}")
        for name in ("pts", "shm", "mqueue"):
            kernel.mkdir(f"{dev}/{name}")
        options, flags = "newinstance,ptmxmode=0666,mode=0620", MS_NOSUID | MS_NOEXEC
        try:
            kernel.mount("devpts", f"{dev}/pts", "devpts", flags, f"{options},gid={TTY}")
        except KernelError as problem:
            from minidocker.spec import ids  # which the plan of a user namespace has loaded
            if problem.errno != EINVAL or ids.has_group(kernel.read("/proc/self/gid_map"), TTY):
                raise
            # a user namespace without that group: its terminals belong to their own group
            kernel.mount("devpts", f"{dev}/pts", "devpts", flags, options)
        mount_or_show(kernel, "mqueue", "/dev/mqueue", f"{dev}/mqueue", SAFE)

    @staticmethod
    def private_shm(kernel: Kernel, root: str) -> None:
        """Mount a tmpfs of the container's own on `root`/dev/shm, where shm_open(3) makes files.

        Everybody may write there, and nobody may remove another's file: 1777. shm_overview(7)
        """
        kernel.mount("shm", f"{root}/dev/shm", "tmpfs", SAFE, "mode=1777,size=64m")

    @staticmethod
    def mount_sys(kernel: Kernel, root: str) -> None:
        """Mount sysfs read-only on `root`/sys: it shows the devices of this network namespace.

        On top of it the cgroup tree, where version 2 is all there is: in its own cgroup
        namespace the process finds its own limits there. sysfs(5), cgroups(7)
        """
        if not mount_or_show(kernel, "sysfs", "/sys", f"{root}/sys", SAFE | MS_RDONLY):
            return  # the host's, with all that is mounted in it
        if kernel.exists(CGROUP2):
            kernel.mount("cgroup2", f"{root}/sys/fs/cgroup", "cgroup2", SAFE | MS_RDONLY)

    @staticmethod
    def bind(kernel: Kernel, source: str, target: str, read_only: bool) -> None:
        """Show the tree `source` at `target`, with what is mounted below it.

        Read-only takes a second call: mount(2) with MS_BIND ignores other flags. It changes
        this mount and those below it, never the file system, which others may write to.
        mount(2), mount_setattr(2)
        """
        kernel.mount(source, target, "", MS_BIND | MS_REC)
        if read_only:
            kernel.mount_setattr(target, MOUNT_ATTR_RDONLY, True)


ASKING = ("tmpfs", "volume", "mount", "volumes-from")


def let_go(lock: int) -> None:
    """Give a lock back. (In a rehearsal there is none.)"""
    if lock >= 0:
        os.close(lock)
