"""Networks on disk, and the bridge that stands while a container is in one.

    ROOT/networks/lock            taken for every change
    ROOT/networks/forwarding      what ip_forward was before the first of our bridges
    ROOT/networks/NAME/subnet     written by `network create`; the network "bridge" needs none
    ROOT/networks/NAME/leases     who has which address
    ROOT/networks/NAME/gone       whose rules the next who comes or goes takes away
    ROOT/networks/NAME/up         while its bridge stands: the bridge, the subnet, in which kernel

A network is a record. Its bridge and its rules come with the first container and go with the last
one, so a host without containers is as it was. What a kill left is removed by the next who comes.
"""

from __future__ import annotations

import os
from errno import EEXIST

from minidocker.errors import Conflict, KernelError, NotFound
from minidocker.net import addresses, cable, leases, rules, tables
from minidocker.proc.living import is_kept

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel

DEFAULT = "bridge"
DEVICES = "/proc/net/dev"
FORWARD = "/proc/sys/net/ipv4/ip_forward"


class Networks:
    """The networks of one store; every method but `locked` is called with the lock taken."""

    def __init__(self, kernel: Kernel, root: str) -> None:
        self.kernel = kernel
        self.root = f"{root}/networks"
        self.containers = f"{root}/containers"

    def lock(self) -> int:
        """Wait for the lock over all networks; os.close gives it back."""
        self.make(self.root)
        return self.kernel.lock(f"{self.root}/lock")

    def make(self, directory: str) -> None:
        """Make a directory, unless somebody else was quicker."""
        try:
            if not self.kernel.exists(directory):
                self.kernel.mkdir(directory, 0o711)
        except KernelError as problem:
            if problem.errno != EEXIST:
                raise

    def path(self, name: str, file: str) -> str:
        """Return the path of a network's file."""
        return f"{self.root}/{name}/{file}"

    def names(self) -> list[str]:
        """List the networks that have a directory, the default one first."""
        found = os.listdir(self.root) if os.path.isdir(self.root) else []
        kept = {n for n in found if os.path.isdir(f"{self.root}/{n}")} | {DEFAULT}
        return sorted(kept, key=lambda name: (name != DEFAULT, name))

    def devices(self) -> list[str]:
        """List the network devices of this network namespace. (/sys may show another one's.)"""
        lines = self.kernel.read(DEVICES).splitlines()[2:]
        return [line.partition(":")[0].strip() for line in lines]

    def present(self, names: list[str]) -> list[str]:
        """Return those devices that are there. (In a rehearsal there is not even lo.)"""
        devices = self.devices()
        return [name for name in names if name in devices or not devices]

    def members(self, name: str) -> dict[str, str]:
        """Return the lease table of a network."""
        return leases.read(self.kernel, self.path(name, "leases"))

    def up(self, name: str) -> tuple[str, str]:
        """Return (bridge, subnet) of a network whose bridge stands here; ("", "") otherwise."""
        path = self.path(name, "up")
        words = self.kernel.read(path).split() if self.kernel.exists(path) else []
        if len(words) != 3 or words[2] != here() or not self.present(words[:1]):
            return "", ""
        return words[0], words[1]

    def subnet(self, name: str) -> str:
        """Return the subnet that a network was made with; "" for the default, which has none."""
        path = self.path(name, "subnet")
        return self.kernel.read(path).strip() if self.kernel.exists(path) else ""

    def free_subnet(self) -> str:
        """Find the first subnet of ours that no network of ours and no route of the host has."""
        taken = addresses.routed(self.kernel.read("/proc/net/route"))
        taken += [subnet for subnet in map(self.subnet, self.names()) if subnet]
        for n in range(256):
            subnet = addresses.OURS.format(n)
            if not any(addresses.overlap(subnet, other) for other in taken):
                return subnet
        raise Conflict("every subnet of 10.77.0.0/16 is in use", "network create --subnet …")

    # --- standing and falling ------------------------------------------------------

    def stand(self, name: str) -> tuple[str, str]:
        """Make a network's bridge and rules, unless they are there: (bridge, subnet)."""
        if found := self.standing(name):
            return found
        subnet = self.subnet(name) or self.free_subnet()
        for other in addresses.routed(self.kernel.read("/proc/net/route")):
            if addresses.overlap(subnet, other):
                raise Conflict(
                    f"this host has a route to {other} already, and {name} is {subnet}",
                    "minidocker network create --subnet …   another one",
                )
        bridge = self.new_bridge(subnet)
        # First the trail, then what it leads to: a kill in between is cleaned up by the next one.
        self.kernel.write(self.path(name, "up"), f"{bridge} {subnet} {here()}\n")
        try:
            self.kernel.run(["nft", "-f", "-"], rules.network(bridge, subnet))
        except KernelError:  # no nft in this kernel, say: a bridge without rules is no network
            self.kernel.unlink(self.path(name, "up"))
            self.remove_links([bridge])
            raise
        # What comes from 127.0.0.1 goes nowhere else, unless a device is told so: published ports.
        self.kernel.write(f"/proc/sys/net/ipv4/conf/{bridge}/route_localnet", "1")
        if self.kernel.read(FORWARD).strip() != "1":
            self.kernel.write(f"{self.root}/forwarding", "0\n")
            self.kernel.write(FORWARD, "1")
        self.warn_of_drops()
        return bridge, subnet

    def warn_of_drops(self) -> None:
        """Say which chains of others drop what we forward: no rule of ours can overrule them."""
        for chain in rules.foreign_drops(self.kernel.run(["nft", "list", "chains"])):
            os.write(2, (
                f"minidocker: the chain {chain} of this host drops what is forwarded:\n"
                f"  containers may reach nothing but this host. To let ours pass:\n"
                f"  nft insert rule {chain} iifname 'mdk*' accept\n"
                f"  nft insert rule {chain} oifname 'mdk*' accept\n"
            ).encode())  # fmt: skip

    def standing(self, name: str) -> tuple[str, str] | None:
        """Return (bridge, subnet) of a network that stands; Conflict if it stands elsewhere."""
        bridge, subnet = self.up(name)
        if bridge:
            return bridge, subnet
        if self.members(name):
            raise Conflict(
                f"the network {name} stands in another network namespace of this machine",
                "another MINIDOCKER_ROOT here, or another --network",
            )
        return None

    def new_bridge(self, subnet: str) -> str:
        """Make the first mdkN that is free; another store may make one at the same moment."""
        for n in range(1000):
            bridge = f"mdk{n}"
            if bridge in self.devices():
                continue
            try:
                self.kernel.run(["ip", "-batch", "-"], rules.bridge_up(bridge, subnet, self.mac()))
                return bridge
            except KernelError:
                if bridge not in self.devices():
                    raise  # else another store was quicker
        raise Conflict("there are 1000 bridges of ours", "minidocker prune")

    def mac(self) -> str:
        """Return the Ethernet address of this store's bridges: whose one is, from its first moment.

        A bridge's maker may be killed at any moment, and `ip` still finish what it is at.
        """
        import zlib

        return addresses.ethernet(0x42, zlib.crc32(os.fsencode(self.root)))

    def fall(self, name: str) -> tuple[list[str], list[str]]:
        """Say what goes when a network has no member left: (nft tables, links)."""
        bridge, _ = self.up(name)
        if self.kernel.exists(self.path(name, "up")):
            self.kernel.unlink(self.path(name, "up"))
        return ([f"ip {leases.PREFIX}{bridge}"], [bridge]) if bridge else ([], [])

    def stop_forwarding(self) -> None:
        """Give ip_forward its old value back, when the last bridge of anybody's is gone."""
        note = f"{self.root}/forwarding"
        if self.kernel.exists(note) and not any(is_bridge(name) for name in self.devices()):
            self.kernel.write(FORWARD, self.kernel.read(note).strip() or "0")
            self.kernel.unlink(note)

    def remove_links(self, links: list[str]) -> None:
        """Remove devices; the kernel may be removing them itself, since a namespace has ended."""
        if present := self.present(links):
            try:
                cable.cut(self.kernel, present)
            except KernelError:
                if self.present(present):
                    raise

    # --- members ---------------------------------------------------------------------

    def require(self, name: str) -> None:
        """Refuse a network that nobody has made; the default one is made by its first use."""
        if name == DEFAULT:
            self.make(f"{self.root}/{name}")
        elif not self.kernel.exists(f"{self.root}/{name}"):
            raise NotFound(
                f"there is no network {name}", f"minidocker network create {name}",
                docker=f"network {name} not found",
            )  # fmt: skip

    def leave(self, name: str, dead: list[str]) -> None:
        """Take containers out of a network: leases, rules, links; with the last one the bridge."""
        table = self.members(name)
        dead = [*dead, *self.gone(name)]
        here_now = bool(self.up(name)[0]) or not table
        left = {a: owner for a, owner in table.items() if owner.split()[0] not in dead}
        cables = [leases.cable(id, self.changed(id).get(name, 0)) for id in dead * here_now]
        gone = [one for cable in cables for one in rules.of_cable(cable)]
        links = [leases.link(cable) for cable in cables]
        if not left:
            more, more_links = self.fall(name)
            gone += more
            links += more_links
        if gone:
            tables.forget(self.kernel, gone)
        self.remove_links(links)
        # Last, so that whatever stops us on the way leaves a lease, which is the trail.
        self.kernel.rewrite(self.path(name, "leases"), leases.render(left))
        if self.kernel.exists(self.path(name, "gone")):
            self.kernel.unlink(self.path(name, "gone"))
        leases.tell_members(self.kernel, self.containers, left)
        if not left:
            self.stop_forwarding()

    def changed(self, id: str) -> dict[str, int]:
        """Return a container's networks beside its first: {name: number of the cable}."""
        directory = f"{self.containers}/{id}"
        if not self.kernel.exists(f"{directory}/{leases.CABLES}"):
            return {}
        from minidocker.net import changed

        found = changed.read(directory)["more"].items()
        there = self.names()  # one may have been removed while the container did not run
        return {name: other["device"] for name, other in found if name in there}

    def part(self, name: str, id: str) -> None:
        """Let a container go that published no port; the last one takes the bridge with it.

        While others stay, its rules and its cable are left to the next who comes or goes: the
        kernel takes the cable, with the namespace, and to wait for that, and then for nf_tables
        to forget the rules, took a third of a run. Until then its rules hold whoever may still
        be in that namespace.
        """
        left = {a: o for a, o in self.members(name).items() if o.split()[0] != id}
        if not left:
            self.leave(name, [id])
            return
        # First the trail: a kill in between leaves the container in both lists, which is right.
        gone = "".join(f"{one}\n" for one in (*self.gone(name), id))
        self.kernel.rewrite(self.path(name, "gone"), gone)
        self.kernel.rewrite(self.path(name, "leases"), leases.render(left))
        leases.tell_members(self.kernel, self.containers, left)

    def gone(self, name: str) -> list[str]:
        """List who has parted from a network, and still has rules, perhaps a cable."""
        path = self.path(name, "gone")
        return self.kernel.read(path).split() if self.kernel.exists(path) else []

    def sweep(self, name: str) -> list[str]:
        """Take out every member whose owner is gone, as a kill -9 leaves it; return their ids."""
        members = leases.ids(self.members(name))
        locks = {id: f"{self.containers}/{id}/lock" for id in members}
        dead = [
            id for id in members
            if not self.kernel.is_locked(locks[id]) and not is_kept(f"{self.containers}/{id}")
        ]  # fmt: skip
        if dead or self.gone(name) or (not members and self.up(name)[0]):
            self.leave(name, dead)
        return dead


def is_bridge(device: str) -> bool:
    """Say whether a device is one of our bridges, by its name."""
    return device.startswith("mdk") and device[3:].isdecimal()


def here() -> str:
    """Name the kernel and the network namespace that we are in; both end, and files do not."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as stream:
            boot = stream.read().strip()
        return f"{boot}/{os.stat('/proc/self/ns/net').st_ino}"
    except OSError:  # a dry run on another system
        return "-"
