"""User-mode networking: a network for who may change nothing on the host.

    container                       host, an ordinary process of the user's
    eth0 (a tap device) ═══════════ slirp4netns ─── its own sockets ─── the world

What a process writes to a tap device's descriptor comes out of the device as a frame, and the other
way round. slirp4netns opens one inside the container's namespaces, where the user is root. Out here
it is router and NAT: it reads frames, and does by its own sockets what they ask for. On that
cable is nobody else: each container has the same address, and no neighbours. Those of a network
that somebody made have a second cable: see together.py.
"""

from __future__ import annotations

import os

from minidocker.errors import Blocked, Conflict, KernelError, UsageError
from minidocker.net import frames, leases, names
from minidocker.net.programs import has_program
from minidocker.net.reserve import reserve

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Callable

    from minidocker.kernel.interface import Kernel
    from minidocker.spec.spec import Net, Port, Run

PROGRAM = "slirp4netns"
ADDRESS, RESOLVER = "10.0.2.100", "10.0.2.3"  # its own choice; the way out is 10.0.2.2
SOCKET, READY, ALIVE = "slirp4netns.sock", 3, 4
TUN = "/dev/net/tun"
LEAVE_OUT = "or leave --network and -p out: then there is loopback"


def refuse(net: Net) -> None:
    """Refuse what needs neighbours, or an address among them, where there are none."""
    if net.more:
        raise UsageError("--network twice: an ordinary user's container is in one network",
                         "leave one out   or sudo")  # fmt: skip
    if net.name != "bridge":  # a network of the user's own
        return
    for wish, said in (
        (f"--ip {net.address}" if net.address else "", f"always has the address {ADDRESS}"),
        ("--network-alias" if net.aliases else "", "has no neighbours who could call it by a name"),
    ):
        if wish:
            remedy = "minidocker network create NAME, and --network NAME   or sudo"
            raise UsageError(f"{wish}: an ordinary user's container {said}", remedy)


def need_program(kernel: Kernel) -> None:
    """See that there is the program, and the device that it opens."""
    here = [name for name in (PROGRAM, "pasta") if has_program(kernel, name)]
    if PROGRAM not in here:
        # pasta hides its descriptors from us, so there can be no filter. See `frames`.
        more = ", and pasta cannot keep the host's 127.0.0.1 out of reach" if here else ""
        raise Blocked(
            f"an ordinary user's network needs {PROGRAM}{more}",
            f"sudo apt-get install {PROGRAM}   {LEAVE_OUT}",
        )
    if not kernel.exists(TUN):
        remedy = f"sudo modprobe tun   {LEAVE_OUT}"
        raise Blocked(f"{PROGRAM} needs {TUN}, and there is none", remedy)


def missing(kernel: Kernel) -> str:
    """Say why there can be no such network here; "" where there can be one."""
    try:
        need_program(kernel)
    except Blocked as problem:
        return problem.message
    return "" if kernel.usable(TUN) else f"{TUN} is not for this user"


def host_address(kernel: Kernel) -> str:
    """Return an address of this host that is not its loopback: slirp4netns leads there.

    It is the one that the host itself would use for the way out. A datagram's route is looked up
    at connect(2); nothing is sent.
    """
    found: str = kernel.source_address("192.0.2.1")
    if not found:
        raise Conflict(
            "host-gateway: this host has no address but its loopback, which is out of reach",
            "an address instead of host-gateway",
            docker="unable to derive the IP value for host-gateway",
        )
    return found


def prepare(kernel: Kernel, run: Run, resolvers: str) -> None:
    """Refuse what cannot be, and write what the container finds in its /etc.

    slirp4netns takes questions for names at 10.0.2.3, and asks whom the host asks. That works also
    where the host's resolv.conf names 127.0.0.53, which in the container would be the container.
    """
    assert run.spec.net
    refuse(run.spec.net)
    need_program(kernel)
    run.facts["address"] = ADDRESS
    alone = run.spec.net.name == "bridge"
    hosts = run.spec.names.hosts if run.spec.names else ()
    asks = any(address == names.GATEWAY for _, address in hosts)
    names.write_own_lines(kernel, run, host_address(kernel) if asks else "")
    owner = " ".join(dict.fromkeys(filter(None, (run.id, run.spec.name, run.spec.hostname))))
    if alone:  # else its network tells it all names
        leases.tell_members(kernel, os.path.dirname(run.directory), {ADDRESS: owner})
    others = [line for line in resolvers.splitlines() if not line.startswith("nameserver")]
    text = "\n".join([f"nameserver {RESOLVER}", *others]) + "\n"
    kernel.write(f"{run.directory}/resolv.conf", names.resolv_conf(text, run.spec.names))


def argv(pid: int, ports: list[Port], mac: str = "", alive: bool = False) -> list[str]:
    """Return the command line that gives process `pid` its eth0, configured. slirp4netns(1)

    `alive`: it ends at the end of the pipe at ALIVE.

    The sandbox: it gives up what it does not need, and sees no file but those of /etc and /run.
    --disable-host-loopback would drop a UDP server's answers to 127.0.0.1 too; where there is such
    a server, our filter has to be enough.
    """
    return [
        PROGRAM, "--configure", "--mtu=65520", "--enable-sandbox", "--enable-seccomp",
        *([] if on_loopback(ports) else ["--disable-host-loopback"]),
        *([f"--macaddress={mac}"] if mac else []),
        *([f"--exit-fd={ALIVE}"] if alive else []),
        *([f"--api-socket={SOCKET}"] if ports else []), f"--ready-fd={READY}", str(pid), "eth0",
    ]  # fmt: skip


def start(kernel: Kernel, run: Run, pid: int, alive: int = -1) -> int:
    """Start the program for process `pid`; return its own pid.

    It ends with us, or when nobody has the other end of the pipe `alive`.
    """
    net = run.spec.net
    assert net
    words = argv(pid, net.ports, net.mac or "", alive >= 0)
    try:
        return kernel.start(words, run.directory, READY, {ALIVE: alive} if alive >= 0 else None)
    except KernelError as problem:
        lines = problem.detail.splitlines()
        words = [line for line in lines if not line.startswith(("WARNING", "child failed"))]
        help = f"chmod 666 {TUN}" if "denied" in problem.detail else "modprobe tun"
        remedy = f"sudo {help}   {LEAVE_OUT}" if TUN in problem.detail else LEAVE_OUT
        raise Blocked(f"{PROGRAM} does not start: {'; '.join(words)}", remedy) from None


def connect(kernel: Kernel, run: Run, program: int) -> None:
    """Filter what the program lets in, and have it listen."""
    assert run.spec.net
    kernel.filter_tap(program, guard(kernel, run.spec.net.ports))

    def refused(port: Port) -> None:
        os.close(reserve(kernel, port, run))  # says why
        raise Conflict(f"{PROGRAM} could not listen at port {port.host}", "try again")

    publish(kernel, run, refused)


def guard(kernel: Kernel, ports: list[Port]) -> bytes:
    """Return the filter at our end of the cable, see `frames`."""
    words = kernel.read("/proc/sys/net/ipv4/ip_local_port_range").split() or ["32768", "60999"]
    return frames.allowed(on_loopback(ports), (int(words[0]), int(words[1])))


def on_loopback(ports: list[Port]) -> list[int]:
    """Return the container's UDP ports that callers on the host's 127.0.0.1 may ask."""
    return [
        port.container for port in ports
        if port.protocol == "udp" and (not port.address or port.address.startswith("127."))
    ]  # fmt: skip


def publish(kernel: Kernel, run: Run, refused: Callable[[Port], None]) -> None:
    """Have the program listen at each published port; `refused` is called for one that it can't.

    Then the socket by which it takes such wishes is removed: nobody has to make any more.
    """
    assert run.spec.net
    for port in run.spec.net.ports:
        wish = (
            f'{{"execute": "add_hostfwd", "arguments": {{"proto": "{port.protocol}", '
            f'"host_addr": "{port.address or "0.0.0.0"}", "host_port": {port.host}, '
            f'"guest_addr": "{ADDRESS}", "guest_port": {port.container}}}}}'
        )
        if '"error"' in kernel.talk(f"{run.directory}/{SOCKET}", wish):
            refused(port)
    if run.spec.net.ports:
        kernel.unlink(f"{run.directory}/{SOCKET}")
