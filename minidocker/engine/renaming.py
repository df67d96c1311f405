"""Rename: the new name is claimed first, then it counts, then the old one is free."""

from __future__ import annotations

from typing import Any

from minidocker.engine import told
from minidocker.engine.filters import networks_of
from minidocker.errors import Conflict, MinidockerError, UsageError
from minidocker.images.store.files import write
from minidocker.images.store.store import Store
from minidocker.kernel.linux import Linux
from minidocker.kernel.named import fcntl, os
from minidocker.net import leases
from minidocker.net.networks import Networks
from minidocker.runtime import state
from minidocker.runtime.happened import NAME, name_of


def rename(store: Store, record: dict[str, Any], new: str) -> None:
    """Give a container another name, whether it runs or not.

    Under a lock on all names. A kill in between leaves the container with one of both names; the
    other is free again when the container is gone.
    """
    kernel = Linux()
    lock = os.open(store.path("containers"), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)  # only who renames takes this one
        old = name_of(record["directory"], record["name"])
        if new == old:
            raise UsageError(
                f"{old} is its name already", "another name",
                docker="Renaming a container with the same name as its current name",
            )  # fmt: skip
        claim(store, new, record["id"])
        try:
            write(f"{record['directory']}/{NAME}", new.encode("utf-8", "surrogateescape"))
        except OSError as problem:
            drop(store, new, record["id"])
            raise MinidockerError(
                f"cannot write the new name: {problem}", "minidocker prune   (a full disk)"
            ) from None
        drop(store, old, record["id"])
        told.tell(record, "rename", oldName=f"/{old}")
    finally:
        os.close(lock)
    tell_neighbours(store, kernel, record, old, new)


def claim(store: Store, name: str, id: str) -> None:
    """Take a name; one that a rename of ours that was killed has taken is ours already."""
    try:
        state.claim(store.path("containers"), name, id)
    except Conflict:
        if not leads_to(store, name, id):
            raise


def drop(store: Store, name: str, id: str) -> None:
    """Give a name back, if it is ours."""
    if name and leads_to(store, name, id):
        os.unlink(store.path("containers", "names", name))


def leads_to(store: Store, name: str, id: str) -> bool:
    """Say whether a name is this container's."""
    try:
        return os.path.basename(os.readlink(store.path("containers", "names", name))) == id
    except OSError:
        return False


def tell_neighbours(
    store: Store, kernel: Linux, record: dict[str, Any], old: str, new: str
) -> None:
    """Write the new name into /etc/hosts of all who are in the same network."""
    if not (record.get("facts") or {}).get("network") or not record["alive"]:
        return
    networks = Networks(kernel, store.root)
    lock = networks.lock()
    try:
        for network in networks_of(record):
            path = networks.path(network, "leases")
            table = {
                address: renamed(owner, record["id"], old, new)
                for address, owner in leases.read(kernel, path).items()
            }
            kernel.rewrite(path, leases.render(table))
            leases.tell_members(kernel, networks.containers, table)
    finally:
        os.close(lock)


def renamed(owner: str, id: str, old: str, new: str) -> str:
    """Change the name in a line "ID NAME…" of the lease table, if the line is the container's."""
    first, *names = owner.split()
    if first != id:
        return owner
    kept = [name for name in names if name not in (old, new)]
    return " ".join([first, new, *kept])
