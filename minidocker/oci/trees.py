"""Trees: what a bundle binds, taken by the host while it may go anywhere, with ids of its own.

The root of a user namespace may have no way to a path that the bundle's author has; and only the
host's root may give a mount other owners. runtime-spec, config.md, "uidMappings" of a mount
"""

from __future__ import annotations

import os
from errno import EINVAL, EPERM

from minidocker.errors import Blocked, KernelError, MinidockerError, UsageError
from minidocker.kernel import detached
from minidocker.kernel.flags import CLONE_NEWUSER, MOUNT_ATTR_NODEV, MS_UNBINDABLE, SIGKILL
from minidocker.oci.kinds import NODES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
    from minidocker.oci.kinds import Bundle
    from minidocker.oci.mount_options import Attach

LATER = "later"  # in place of a kind: the child takes the tree


def take_all(kernel: Kernel, bundle: Bundle) -> dict[int, tuple[int, str]]:
    """Take what the child could not: place in the list → (descriptor of the tree, kind).

    A source in the container's root may be what an earlier entry mounts there, so only the child
    can take it. With ids it gets the namespace that maps them: (descriptor, LATER).
    """
    found = {}
    stranger = "user" in bundle.namespaces and os.geteuid() == 0
    for place, attach in enumerate(bundle.mounts):
        if not attach.bind or not (stranger or attach.ids):
            continue
        if os.path.normpath(attach.source).startswith(f"{bundle.spec.root.path}/"):
            if attach.ids:
                found[place] = later(kernel, bundle, attach)
            continue
        try:
            found[place] = take(kernel, bundle, attach)
        except KernelError as problem:
            if problem.errno != EPERM or attach.ids:
                raise
            # else: root of a user namespace without these mounts; the child tries it by itself
    return found


def take(kernel: Kernel, bundle: Bundle, attach: Attach) -> tuple[int, str]:
    """Copy one tree, with its attributes and owners; it is mounted nowhere yet."""
    kind = kind_of(kernel, attach)
    tree = detached.copy_of(attach.source, attach.whole)
    shape(tree, attach)
    if attach.ids:
        map_owners(tree, ids_of(kernel, bundle, attach), attach)
    return tree, kind


def later(kernel: Kernel, bundle: Bundle, attach: Attach) -> tuple[int, str]:
    """Prepare what the child will map by itself, which the root of a user namespace may not."""
    if "user" in bundle.namespaces:
        raise UsageError(
            f"config.json: the owners at {attach.destination} cannot be mapped: its source is in "
            "the container's root, whose user namespace has no right to do so",
            "a source outside of the root, or no uidMappings there",
        )
    return ids_of(kernel, bundle, attach), LATER


def map_owners(tree: int, namespace: int, attach: Attach) -> None:
    """Give a tree the owners of a user namespace, which is closed then."""
    try:
        detached.map_ids(tree, namespace, attach.ids == "ridmap")
    except KernelError as problem:
        if problem.errno not in (EPERM, EINVAL):
            raise
        raise Blocked(
            f"the owners at {attach.destination} cannot be mapped: {problem}",
            "sudo, and a file system that can (ext4, xfs, btrfs, tmpfs from Linux 6.3)",
        ) from None
    finally:
        os.close(namespace)


def take_nodes(kernel: Kernel, bundle: Bundle, directory: str) -> dict[str, int]:
    """Make the nodes that the root of a user namespace may not: path → tree of one file. mknod(2)

    With the owners that they shall have in there. They stand beside the record, where nobody but
    root comes, until the container is deleted: one without a name could not be mounted.
    """
    found: dict[str, int] = {}
    ids, own = bundle.spec.linux.ids, f"{directory}/nodes"
    wanted = [device for device in bundle.devices if device.type != "p"]  # which everybody may make
    if not (ids and wanted) or os.geteuid():
        return found
    os.mkdir(own, 0o700)
    for count, device in enumerate(wanted):
        path = f"{own}/{count}"
        uid, gid = (on_host(ids.uid_map, device.uid, device.path),
                    on_host(ids.gid_map, device.gid, device.path))  # fmt: skip
        number = (device.major or 0, device.minor or 0)
        try:
            kernel.mknod(path, NODES[device.type] | device.mode, number)
        except KernelError as problem:
            if problem.errno != EPERM:
                raise
            break  # nor may we: the child binds the host's
        os.chown(path, uid, gid)
        os.chmod(path, device.mode)
        found[device.path] = tree = detached.copy_of(path, False)
        detached.change(tree, 0, MOUNT_ATTR_NODEV, 0, False)
    return found


def on_host(lines: str, number: int | None, path: str) -> int:
    """Return the id of the host that an id of the container is, by the lines of a map."""
    for line in lines.splitlines():
        inside, outside, size = map(int, line.split())
        if inside <= (number or 0) < inside + size:
            return outside + (number or 0) - inside
    raise UsageError(f"config.json: {number}, an owner of {path}, is not in the id maps")


def kind_of(kernel: Kernel, attach: Attach) -> str:
    """Say whether the source is a file or a directory; one that is missing is refused."""
    if kind := kernel.kind(attach.source):
        return kind
    raise MinidockerError(
        f"mount source {attach.source}: no such file or directory",
        f"the bundle binds it at {attach.destination}",
    )


def shape(tree: int, attach: Attach) -> None:
    """Set attributes and propagation. Unbindable it becomes later: see mounting.py."""
    for one in attach.changes:
        if one.propagation != MS_UNBINDABLE:
            detached.change(tree, one.set, one.clear, one.propagation, one.recursive)


def ids_of(kernel: Kernel, bundle: Bundle, attach: Attach) -> int:
    """Open a user namespace whose maps are those of the mount, or the container's."""
    own = bundle.namespaces.get("user")
    ids = bundle.spec.linux.ids
    if attach.maps[0]:
        return namespace_of(kernel, *attach.maps)
    if own:
        return os.open(own, os.O_RDONLY | os.O_CLOEXEC)
    if not ids:
        raise UsageError(
            f"config.json: {attach.ids} at {attach.destination} needs uidMappings and gidMappings",
            "of the mount, or of a user namespace",
        )
    return namespace_of(kernel, ids.uid_map, ids.gid_map)


def namespace_of(kernel: Kernel, uid_map: str, gid_map: str) -> int:
    """Make a user namespace with these maps, which nobody is in; return its descriptor."""
    wait, ready = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            kernel.unshare(CLONE_NEWUSER)
            os.write(ready, b"R")
            # the package around it costs a start 4 ms
            from _signal import pause  # type: ignore[import-not-found]

            pause()
        finally:
            os._exit(1)
    os.close(ready)
    try:
        if not os.read(wait, 1):
            raise Blocked("no user namespace can be made here", "minidocker doctor")
        kernel.write(f"/proc/{pid}/uid_map", uid_map)
        kernel.write(f"/proc/{pid}/gid_map", gid_map)
        return os.open(f"/proc/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(wait)
        kernel.kill(pid, SIGKILL)
        kernel.waitpid(pid)
