"""The network namespace: interfaces, addresses, routes, ports."""

from __future__ import annotations

import os

from minidocker.errors import Blocked, Conflict, KernelError
from minidocker.kernel.flags import CLONE_NEWNET, SIGKILL
from minidocker.spec.words import FLAG, LIST, VALUE, Option, parse_mode, parse_name
from minidocker.stages.base import Stage

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from minidocker.kernel.interface import Kernel
    from minidocker.net.leases import Lease
    from minidocker.net.networks import Networks
    from minidocker.spec.spec import Port, Run, Spec
    from minidocker.spec.words import Asked

# minidocker.net is imported where it is used: a run without a network does not pay for it.


def bridged(mode: str) -> bool:
    """Say whether --network names a network, and none of the modes that need no cable."""
    return mode not in ("none", "host") and ":" not in mode


def parse_network(text: str, _: str) -> dict[str, Any]:
    """Read --network: a mode, a network's name, or name=…,alias=…,ip=…,mac-address=…"""
    option = "--network"
    if "=" in text or not text:
        from minidocker.net import words

        found = words.parse_network(text)
    else:
        found = {"name": text}
    mode = found["name"]
    if mode in ("", "default"):
        mode = "bridge"
    if bridged(mode):
        return {**found, "name": parse_name(mode, option)}
    modes = ("none", "host", "container:NAME", "bridge", "a network's NAME")
    return {**found, "name": parse_mode(mode, option, modes) or "none"}


def of_net(module: str, name: str) -> Callable[[str, str], Any]:
    """Return a reader of an option that is loaded when that option is typed."""

    def read(text: str, option: str) -> Any:
        room = __import__(f"minidocker.net.{module}", fromlist=[name])
        return getattr(room, name)(text, option)

    return read


class Network(Stage):
    """Give the process a network of its own: loopback, and a cable to the world."""

    name = "network"
    namespaces = CLONE_NEWNET
    shares = "net"
    options = (
        Option("--net --network", LIST, "MODE", "network",
               "bridge (if not said), a network's NAME, none (loopback alone: the quickest), "
               "host, or container:NAME", read=parse_network),
        Option("-p --publish", LIST, "[[ADDRESS:]PORT:]PORT[/udp]", "network",
               "let a port of this host (if not said, any) lead to one of the container's",
               read=of_net("ports", "parse")),
        Option("-P --publish-all", FLAG, "", "network",
               "publish each exposed port at any free one (see: minidocker port)"),
        Option("--expose", LIST, "PORT[/udp]", "network",
               "say that the container listens there; ranges too", read=of_net("ports", "exposed")),
        Option("--net-alias --network-alias", LIST, "NAME", "network",
               "one more name for its neighbours",
               read=lambda text, _: parse_name(text, "--network-alias")),
        Option("--ip", VALUE, "ADDRESS", "network", "this address of the network, if it is free",
               read=of_net("addresses", "parse_address")),
        Option("--mac-address", VALUE, "ADDRESS", "network", "this Ethernet address"),
    )  # fmt: skip
    parts = ("loopback_up", "lease", "connect", "default_route", "publish")
    cable: Sequence[int] = ()  # the pids of those who pass frames on, in a network of a user's
    program = 0  # the pid of what serves an ordinary user's container,
    alive = (-1, -1)  # and a pipe: it ends when nobody has the writing end any more

    @classmethod
    def wish(cls, asked: Asked) -> str:
        """What shares the host's network, or wants none, needs no stage."""
        modes = [one["name"] for one in asked.get("network", ())]
        if said := next((mode for mode in modes if mode not in ("none", "host")), ""):
            return f"--network {said}"
        keys = [option.key for option in cls.options if option.key != "network"]
        return next((f"--{key}" for key in keys if asked.get(key)), "")

    @classmethod
    def plan(cls, spec: Spec, asked: Asked) -> None:
        """Say which network it is: the bridge for a container with a root of its own, as in Docker.

        A wall alone, such as `--stages network`, has no cable unless one is asked for.
        """
        needing = [key for key in NEEDING if asked.get(key)]
        chosen = asked.get("network", ())
        whole = "rootfs" in spec.stages and cls.name in spec.stages
        mode = "bridge" if needing or whole else "none"
        found = chosen[0] if chosen else {"name": mode}
        mode = found["name"]
        if not bridged(mode):
            if needing or spec.names or ":" in mode or chosen[1:]:
                from minidocker.net.asked import refuse_conflicts

                refuse_conflicts(mode, needing, spec, asked)
            if mode != "none":
                spec.sharing[cls.shares] = mode
            return
        from minidocker.net.asked import wanted

        spec.net = wanted(found, chosen[1:], asked, by_default=not (chosen or needing))

    def before(self, kernel: Kernel, run: Run) -> None:
        """Take the ports and an address, and see that the network's bridge stands."""
        net = run.spec.net
        if not net:
            return
        from minidocker.net.asked import go_without, missing

        if net.by_default and (reason := missing(kernel, rootless(run))):
            return go_without(run, reason)
        if net.ports:
            from minidocker.net.reserve import take_ports

            self.reserved = take_ports(kernel, run, keep=not rootless(run))
        if rootless(run):
            from minidocker.net import names, usermode

            if run.spec.detached:  # both of its keepers will have it
                self.alive = os.pipe()
            usermode.prepare(kernel, run, names.resolvers(kernel))
            if net.name != "bridge":
                self.plug_in(kernel, run)
            return
        try:
            self.plug_in(kernel, run)
        except (KernelError, Conflict) as problem:
            if not net.by_default:
                raise
            go_without(run, str(problem))

    def plug_in(self, kernel: Kernel, run: Run) -> None:
        """Join the network, under the lock over all of them."""
        assert run.spec.net
        networks = of(kernel, run)
        lock = networks.lock()
        try:
            networks.require(run.spec.net.name)
            networks.sweep(run.spec.net.name)
            if rootless(run):
                from minidocker.net import together

                return together.join(kernel, run, networks, self.lease)
            self.join(kernel, run, networks)
        finally:
            close(lock)

    def join(self, kernel: Kernel, run: Run, networks: Networks) -> None:
        """Become a member: bridge, lease, names. The lock is held."""
        from minidocker.net import addresses, leases, names

        net = run.spec.net
        assert net
        bridge, subnet = networks.stand(net.name)
        path = networks.path(net.name, "leases")
        owner = leases.owner(run.id, run.spec.name, run.spec.hostname, *net.aliases)
        address = leases.enter(kernel, path, subnet, owner, net.address, self.lease)
        run.facts.update(
            network=net.name, address=address, bridge=bridge, subnet=subnet,
            gateway=addresses.gateway(subnet), mac=net.mac,
        )  # fmt: skip
        names.write_own_lines(kernel, run, addresses.gateway(subnet))
        if net.more or run.facts.get("more networks"):
            from minidocker.net import more

            more.join(kernel, run, networks, self.lease)
        leases.tell_members(kernel, networks.containers, networks.members(net.name))
        resolv = names.resolv_conf(names.resolvers(kernel), run.spec.names)
        kernel.write(f"{run.directory}/resolv.conf", resolv)

    def outside(self, kernel: Kernel, run: Run, pid: int) -> None:
        """Plug the child in, and open its ports."""
        if not run.spec.net:
            return
        if rootless(run):
            self.serve(kernel, run, pid)
            return
        from minidocker.net import leases, tables

        lease = leases.of_run(run)
        self.connect(kernel, pid, lease)
        tables.watch(kernel, lease)
        for port in run.spec.net.ports:
            self.publish(kernel, port, lease)
        if run.facts.get("more networks"):
            from minidocker.net import more

            more.plug_all(kernel, run, pid)

    def serve(self, kernel: Kernel, run: Run, pid: int) -> None:
        """Give an ordinary user's container a program that is its cable, its router and its NAT."""
        from minidocker.net import usermode
        from minidocker.net.asked import go_without

        assert run.spec.net
        try:
            self.program = usermode.start(kernel, run, pid, self.alive[0])
        except Blocked as problem:
            if not run.spec.net.by_default:
                raise
            go_without(run, problem.message)
            return
        usermode.connect(kernel, run, self.program)
        if run.facts.get("network"):
            from minidocker.net import together

            self.cable = together.connect(kernel, run, pid, of(kernel, run), self.alive[0])

    def inside(self, kernel: Kernel, run: Run) -> None:
        """Switch loopback on: it exists in each network namespace, but starts down."""
        if "net" in (run.spec.sharing or {}):  # another's is not ours to change
            return
        self.loopback_up(kernel)
        if "gateway" in run.facts:
            self.default_route(kernel, str(run.facts["gateway"]))

    def after(self, kernel: Kernel, run: Run) -> None:
        """Leave the network; the last one takes the bridge and its rules away.

        Of an ordinary user's network nothing is left: the program ends with the last that holds
        `alive`, or with its starter.
        """
        for program in filter(None, (self.program, *self.cable)):
            kernel.kill(program, SIGKILL)
            kernel.waitpid(program)
        self.program, self.cable = 0, ()
        for fd in self.alive:
            close(fd)
        self.alive = (-1, -1)
        name = run.facts.get("network")
        if name is None:
            return
        networks = of(kernel, run)
        lock = networks.lock()
        try:
            if rootless(run):
                from minidocker.net import together

                together.forget(kernel, run, networks)
            others = [*networks.changed(run.id)]
            ports = run.spec.net and run.spec.net.ports  # what they lead to has gone
            whole = others or ports or rootless(run)
            for one in filter(None, [*others, name if whole else ""]):
                networks.leave(str(one), [run.id])
            if name and not whole:
                networks.part(str(name), run.id)
        finally:
            close(lock)

    # --- parts -----------------------------------------------------------------------

    @staticmethod
    def loopback_up(kernel: Kernel) -> None:
        """Switch the interface lo on; the kernel then gives it 127.0.0.1/8. netdevice(7)"""
        kernel.link_up("lo")

    @staticmethod
    def lease(kernel: Kernel, path: str, subnet: str, owner: str) -> str:
        """Give the owner the first free address of the subnet, written down in the table `path`.

        A line of the table is "ADDRESS<tab>OWNER". The first address of the subnet is the
        network's own name, the next one the bridge's, the last one means everybody. The lock
        on `path`.lock is held from the look to the entry, so no two get the same. LookupError
        when none is free. flock(2)
        """
        from minidocker.net import addresses, leases

        lock = kernel.lock(f"{path}.lock")
        try:
            table = leases.read(kernel, path)
            first, last = addresses.span(subnet)
            free = (addresses.text(number) for number in range(first + 2, last))
            address = next((one for one in free if one not in table), "")
            if not address:
                raise LookupError(f"every address of {subnet} is taken")
            kernel.rewrite(path, leases.render({**table, address: owner}))
            return address
        finally:
            close(lock)

    @staticmethod
    def connect(kernel: Kernel, pid: int, lease: Lease) -> None:
        """Put a cable between the bridge and process `pid`, whose end is eth0 with the address.

        A cable is a pair of veth devices: what goes in at one end comes out at the other. The
        prefix says who is a neighbour; with /32, nobody would be. veth(4), ip-link(8)
        """
        from minidocker.net import cable

        cable.lay(kernel, pid, lease)

    @staticmethod
    def default_route(kernel: Kernel, gateway: str) -> None:
        """Send all that is for no neighbour to the bridge's address. route(8)"""
        kernel.route_add("default", gateway)

    @staticmethod
    def publish(kernel: Kernel, port: Port, lease: Lease) -> None:
        """Let packets to a port of the host go to a port of the container. nft(8)

        Those from elsewhere pass the hook prerouting; those that a process of this host
        sends pass output instead. Answers find their way back by the connection table.
        """
        rule = f"{port.match} counter dnat to {lease.address}:{port.container}"
        kernel.run(
            ["nft", "-f", "-"],
            f"table ip {lease.table} {{\n"
            f"  chain prerouting {{\n    type nat hook prerouting priority -100\n    {rule}\n  }}\n"
            f"  chain output {{\n    type nat hook output priority -100\n    {rule}\n  }}\n}}\n",
        )


def rootless(run: Run) -> bool:
    """Say whether an ordinary user owns the container: no bridge then, but user-mode networking."""
    ids = run.spec.ids
    return bool(ids and ids.uid)


def of(kernel: Kernel, run: Run) -> Networks:
    """Return the networks of the store that the run's directory is in."""
    from minidocker.net.networks import Networks

    return Networks(kernel, os.path.dirname(os.path.dirname(run.directory)))


NEEDING = ("publish", "publish-all", "ip", "network-alias", "mac-address")


def close(lock: int) -> None:
    """Give a lock back. (In a rehearsal there is none.)"""
    if lock >= 0:
        os.close(lock)
