"""What killed runs left over: found, and removed. What is alive, or not ours, is left alone."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence

from minidocker.chamber import cgroups
from minidocker.engine import told
from minidocker.errors import MinidockerError
from minidocker.images.store import changes
from minidocker.images.store.store import Store
from minidocker.kernel.interface import Kernel
from minidocker.net import tables
from minidocker.net.leases import PREFIX, link
from minidocker.net.networks import DEFAULT, Networks, is_bridge
from minidocker.runtime import reading, state
from minidocker.stages import STAGES
from minidocker.stages.cgroup import PARENT, Cgroup
from minidocker.volumes.store import Volumes


def prune(store: Store, kernel: Kernel) -> Iterator[str]:
    """Remove what nobody owns; yield a line for each thing that is gone."""
    if os.path.isdir(store.root) and not os.access(store.root, os.W_OK):
        if os.statvfs(store.root).f_flag & os.ST_RDONLY:
            raise MinidockerError(
                f"{store.root} is on a read-only file system", f"mount -o remount,rw {store.root}"
            )
        raise MinidockerError(f"{store.root} is not yours to write to", "sudo minidocker prune")
    for record in reading.records(store.root):
        if not record["alive"] and state.clean_up(record, STAGES, kernel):
            yield f"removed container {record['id']} {record['name']}".rstrip()
    forget_names(store)
    if os.path.isdir(store.path("volumes")):
        volumes = Volumes(kernel, store.root)
        lock = volumes.lock()
        try:
            yield from volumes.sweep()
        finally:
            os.close(lock)
    if os.path.isdir(store.path("networks")):
        networks = Networks(kernel, store.root)
        lock = networks.lock()
        try:
            yield from prune_networks(networks)
        finally:
            os.close(lock)
    for path in lost_cgroups(store):
        Cgroup.remove(kernel, path)
        yield f"removed cgroup {path}"
    for path in cgroups.sweep():  # of graders and yards that were killed
        yield f"removed cgroup {path}"
    yield from map(str, told.gone(store.root, changes.prune(store)))


def forget_names(store: Store) -> None:
    """Remove links of names whose container is gone."""
    names = store.path("containers", "names")
    for name in os.listdir(names) if os.path.isdir(names) else []:
        state.forget_name(os.path.join(names, name))


def lost_cgroups(store: Store) -> list[str]:
    """Find cgroups under ours that no container directory stands for and no process is in."""
    found = []
    for id in os.listdir(PARENT) if os.path.isdir(PARENT) else []:
        path = f"{PARENT}/{id}"
        if os.path.isdir(path) and not os.path.exists(store.path("containers", id)):
            with open(f"{path}/cgroup.events", encoding="ascii") as stream:
                if "populated 0" in stream.read():
                    found.append(path)
    return found


def prune_networks(networks: Networks, also: Sequence[str] = ()) -> list[str]:
    """Remove what dead containers left: leases, rules, bridges; say what. The lock is held.

    `also`: these networks, too, where somebody made them and nobody is in.
    """
    said = []
    for name in networks.names():
        for id in networks.sweep(name):
            said.append(f"removed lease of {id} in network {name}")
        if name in also and name != DEFAULT and not networks.members(name):
            networks.kernel.remove_tree(f"{networks.root}/{name}")
            said.append(f"removed network {name}")
    if networks.kernel.geteuid():  # an ordinary user has no bridge, and may not ask nft
        return said
    for bridge in lost_bridges(networks):
        networks.remove_links([bridge])
        said.append(f"removed bridge {bridge}")
    if lost := lost_tables(networks):
        tables.forget(networks.kernel, lost)
        said += [f"removed table {table}" for table in lost]
    networks.stop_forwarding()
    return said


def lost_tables(networks: Networks) -> list[str]:
    """Find tables of ours whose container or bridge is gone: "ip NAME".

    nft may finish its last transaction after what it was for was cleaned up. A cable without a
    directory of ours belongs to a container of another store. The tables are read first: a device
    is always older than its table, so none that comes meanwhile loses its guard.
    """
    found = []
    listed = networks.kernel.run(["nft", "list", "tables"]).splitlines()
    devices = networks.devices()
    for line in listed:
        _, family, table = line.split()
        name = table.removeprefix(PREFIX)
        if name == table or name in devices or link(name) in devices:
            continue
        id = name.partition("_")[0]
        an_id = len(id) == 12 and not id.strip("0123456789abcdef")
        if is_bridge(name) or (an_id and not os.path.exists(f"{networks.containers}/{id}")):
            found.append(f"{family} {table}")
    return found


def lost_bridges(networks: Networks) -> list[str]:
    """Find bridges that this store has made, by their address, and that no network knows."""
    known = {networks.up(name)[0] for name in networks.names()}
    mac = networks.mac()
    links = networks.kernel.run(["ip", "-json", "link", "show", "type", "bridge"])
    return [
        found["ifname"] for found in json.loads(links or "[]")
        if found and is_bridge(found["ifname"]) and found["address"] == mac
        and found["ifname"] not in known
    ]  # fmt: skip
