"""Which frames may leave a container that slirp4netns serves: a filter in classic BPF. bpf(4)

Out here slirp4netns sends to wherever a frame is for. For 127.0.0.1 and 0.0.0.0 that would be the
host's own loopback. No route of the container leads to such a frame. But a socket that is bound to
eth0 (SO_BINDTODEVICE) asks for none, and whoever has CAP_NET_RAW can write a frame by hand. Its
address 10.0.2.2 means the host's loopback too. The filter stands at our end of the tap device: no
right in the container is enough to remove it.

    offset 12 type │ 14 version, length of the header │ 20 fragment, ttl, protocol │ 30 address
    offset 34 both ports │ 46 TCP's flags              all where an IPv4 header of 20 bytes is
"""

from __future__ import annotations

from minidocker.seccomp.bpf import AT_LEAST, EQUAL, GREATER, Assembler

PASS, DROP = 0xFFFFFFFF, 0
ARP, IPV4 = 0x0806_0000, 0x0800_0000
ROUTER, EVERYBODY = 0x0A000202, 0xFFFFFFFF
SYN, ACK = 0x0002_0000, 0x0010_0000
ICMP, TCP, UDP = 1, 6, 17


def allowed(udp: list[int], callers: tuple[int, int]) -> bytes:
    """Return the filter for a container whose UDP ports `udp` are published on the loopback.

    What is for 10.0.2.2 must be an answer: no SYN that begins a TCP connection, and UDP only from a
    published port to one that programs get when they ask for any, `callers` (first, last).
    """
    made = Assembler()
    made.load(12)
    made.keep(0xFFFF0000)
    _go(made, EQUAL, ARP, "pass")
    _unless(made, EQUAL, IPV4, "drop")
    made.load(30)
    _go(made, EQUAL, EVERYBODY, "drop")
    _go(made, EQUAL, ROUTER, "router")
    made.keep(0xFF000000)
    _go(made, EQUAL, 0x7F000000, "drop")
    made.test(EQUAL, 0, "drop", "pass")
    made.label("router")
    made.load(14)
    made.keep(0x0F000000)
    _unless(made, EQUAL, 0x05000000, "drop")  # options: the ports would stand elsewhere
    made.load(20)
    made.keep(0x3FFF00FF)  # part of a fragment: it would be put together behind us
    _go(made, EQUAL, ICMP, "pass")  # slirp4netns itself answers a ping
    _go(made, EQUAL, TCP, "tcp")
    _unless(made, EQUAL, UDP, "drop")
    made.load(34)
    made.keep(0xFFFF)
    _go(made, GREATER, callers[1], "drop")
    _unless(made, AT_LEAST, callers[0], "drop")
    made.load(34)
    for first, last in _runs(udp):
        _go(made, GREATER, last << 16 | 0xFFFF, other := made.name())
        _go(made, AT_LEAST, first << 16, "pass")
        made.label(other)
    made.give(DROP)
    made.label("tcp")
    made.load(46)
    made.keep(SYN | ACK)
    made.test(EQUAL, SYN, "drop", "pass")
    made.label("pass")
    made.give(PASS)
    made.label("drop")
    made.give(DROP)
    return made.assemble()


def _runs(ports: list[int]) -> list[tuple[int, int]]:
    """Return (first, last) of each row of neighbours: a range of ports costs no more than one."""
    runs: list[tuple[int, int]] = []
    for port in sorted(set(ports)):
        if runs and runs[-1][1] + 1 == port:
            runs[-1] = runs[-1][0], port
        else:
            runs.append((port, port))
    return runs


def _go(made: Assembler, code: int, value: int, where: str) -> None:
    """Go to a label if the comparison holds, and on otherwise."""
    made.test(code, value, where, on := made.name())
    made.label(on)


def _unless(made: Assembler, code: int, value: int, where: str) -> None:
    """Go to a label if the comparison does not hold, and on otherwise."""
    made.test(code, value, on := made.name(), where)
    made.label(on)
