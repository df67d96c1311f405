"""Subnets, ports, the lease table and the texts for nft: no privilege needed."""

from __future__ import annotations

import ipaddress
import shlex
import struct
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from minidocker.engine import left_over
from minidocker.errors import Blocked, KernelError, UsageError
from minidocker.kernel import netlink, taps
from minidocker.kernel.linux import Linux
from minidocker.kernel.trace import Pretend
from minidocker.net import addresses, frames, leases, ports, rules
from minidocker.net.leases import lease_for
from minidocker.net.networks import Networks
from minidocker.seccomp import bpf
from minidocker.spec.spec import Hardening, Ids, Net, Run, Spec
from minidocker.stages.network import Network


@pytest.mark.parametrize("subnet", ["10.77.0.0/24", "192.168.0.128/29", "10.0.0.0/8"])
def test_a_subnet_as_the_standard_library_sees_it(subnet: str) -> None:
    wanted = ipaddress.ip_network(subnet)
    first, last = addresses.span(subnet)
    assert addresses.text(first) == str(wanted.network_address)
    assert addresses.text(last) == str(wanted.broadcast_address)
    assert addresses.gateway(subnet) == str(wanted[1])
    assert addresses.prefix(subnet) == wanted.prefixlen
    assert addresses.parse(subnet) == subnet


@pytest.mark.parametrize(
    "subnet",
    ["", "10.0.0.0", "10.0.0.1/24", "10.0.0.0/30", "10.0.0.0/7", "127.0.0.0/24", "224.0.0.0/8",
     "1.2.3/24", "300.0.0.0/24", "10.0.0.0/x", "0.0.0.0/0"],
)  # fmt: skip
def test_a_subnet_that_is_none(subnet: str) -> None:
    with pytest.raises(UsageError):
        addresses.parse(subnet)


def test_overlap_and_the_hosts_routes() -> None:
    assert addresses.overlap("10.0.0.0/8", "10.77.0.0/24")
    assert not addresses.overlap("10.77.1.0/24", "10.77.0.0/24")
    table = (
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
        "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
        "mdk0\t00004D0A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
    )
    assert addresses.routed(table) == ["10.77.0.0/24"]
    made = Networks(Pretend({"/proc/net/route": table}), "/nowhere")
    assert made.free_subnet() == "10.77.1.0/24"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("8080:80", [("", 8080, 80, "tcp")]),
        ("80", [("", 0, 80, "tcp")]),
        ("80-81/udp", [("", 0, 80, "udp"), ("", 0, 81, "udp")]),
        ("127.0.0.1:53:5353/udp", [("127.0.0.1", 53, 5353, "udp")]),
        ("0.0.0.0:1:2", [("", 1, 2, "tcp")]),
        ("90-91:80-81", [("", 90, 80, "tcp"), ("", 91, 81, "tcp")]),
    ],
)
def test_ports(text: str, found: list) -> None:
    read = [(p.address, p.host, p.container, p.protocol) for p in ports.parse(text)]
    assert read == found


def test_the_match_of_a_port() -> None:
    assert ports.port(8080, 80).match == "fib daddr type local tcp dport 8080"
    assert ports.port(53, 5, "udp", "127.0.0.1").match == "ip daddr 127.0.0.1 udp dport 53"


def test_a_lease_table_goes_there_and_back() -> None:
    table = "10.77.0.2\tabc web box\n10.77.0.3\tdef\n"
    assert leases.render(leases.parse(table)) == table
    assert leases.ids(leases.parse(table)) == ["abc", "def"]


def test_lease_takes_the_first_that_is_free_and_says_when_none_is(tmp_path) -> None:
    path, subnet = str(tmp_path / "leases"), "10.77.0.8/29"
    taken = [Network.lease(Linux(), path, subnet, f"id{n}") for n in range(5)]
    assert taken == [f"10.77.0.{n}" for n in range(10, 15)]
    with pytest.raises(LookupError, match="every address"):
        Network.lease(Linux(), path, subnet, "late")
    (tmp_path / "leases").write_text("10.77.0.10\tid0\n10.77.0.12\tid2\n")
    assert Network.lease(Linux(), path, subnet, "new") == "10.77.0.11"


def test_foreign_chains_that_drop() -> None:
    listed = """table ip filter {
	chain FORWARD {
		type filter hook forward priority filter; policy drop;
	}
	chain OUTPUT {
		type filter hook output priority filter; policy drop;
	}
}
table ip minidocker_mdk0 {
	chain forward {
		type filter hook forward priority filter; policy drop;
	}
}"""
    assert rules.foreign_drops(listed) == ["ip filter FORWARD"]


def test_a_lease_knows_its_names() -> None:
    lease = lease_for("0123456789ab", "10.77.0.2", "mdk0", "10.77.0.0/24")
    assert (lease.link, len(lease.link)) == ("mdv0123456789ab", 15)
    assert (lease.mac, lease.gateway, lease.prefix) == ("02:4d:0a:4d:00:02", "10.77.0.1", 24)
    assert lease.table == "minidocker_0123456789ab"


def test_rewrite_is_in_place_and_lock_is_seen(tmp_path) -> None:
    kernel, path = Linux(), str(tmp_path / "file")
    kernel.rewrite(path, "long text\n")
    before = (tmp_path / "file").stat().st_ino
    kernel.rewrite(path, "short\n")
    assert (tmp_path / "file").read_text() == "short\n"
    assert (tmp_path / "file").stat().st_ino == before
    import os

    assert not kernel.is_locked(str(tmp_path / "none"))
    lock = kernel.lock(path)
    assert kernel.is_locked(path)
    os.close(lock)
    assert not kernel.is_locked(path)


def test_run_gives_output_and_tells_what_a_program_said() -> None:
    kernel = Linux()
    assert kernel.run(["cat"], "to and fro\n") == "to and fro\n"
    with pytest.raises(OSError, match="sh: no luck"):
        kernel.run(["sh", "-c", "echo no luck >&2; exit 3"])
    with pytest.raises(OSError, match="not-there: this machine has no such program"):
        kernel.run(["not-there"])


class Lacking(Pretend):
    """A machine where some files are not."""

    read, write = Pretend.read, Pretend.write

    def __init__(self, *gone: str) -> None:
        super().__init__()
        self.gone = gone

    def exists(self, path: str) -> bool:
        return not path.endswith(self.gone)


@pytest.mark.parametrize(
    ("gone", "said", "remedy"),
    [
        (("/slirp4netns", "/pasta"), "needs slirp4netns", "apt-get install slirp4netns"),
        (("/slirp4netns",), "pasta cannot keep the host's 127.0.0.1 out", "apt-get install slirp4netns"),
        (("/tun",), "needs /dev/net/tun, and there is none", "modprobe tun"),
    ],
)
def test_an_ordinary_user_is_told_what_a_network_needs(
    gone: tuple[str, ...], said: str, remedy: str
) -> None:
    """By the stage itself; then nothing has been changed."""
    net = Net(name="bridge", address="", aliases=[], ports=[])
    spec = Spec(net=net, linux=Hardening(ids=Ids(uid=1000)))
    kernel = Lacking(*gone)
    with pytest.raises(Blocked, match=said) as problem:
        Network().before(kernel, Run(id="x", directory="/none", root="", spec=spec, facts={}))
    assert remedy in problem.value.remedy and "-p out" in problem.value.remedy
    assert not [name for name, _ in kernel.calls if name not in ("exists", "read")]


def judge(program: bytes, frame: bytes) -> bool:
    """Interpret classic BPF as the kernel does for a frame; a load behind its end drops it."""
    at = accumulator = 0
    while True:
        code, yes, no, k = struct.unpack_from("=HBBI", program, 8 * at)
        at += 1
        if code == bpf.RETURN:
            return bool(k)
        if code == bpf.LOAD:
            if k + 4 > len(frame):
                return False
            accumulator = int.from_bytes(frame[k : k + 4], "big")
        elif code == bpf.AND:
            accumulator &= k
        elif code == bpf.JUMP:
            at += k
        else:
            holds = {bpf.EQUAL: accumulator == k, bpf.GREATER: accumulator > k,
                     bpf.AT_LEAST: accumulator >= k}[code]  # fmt: skip
            at += yes if holds else no


def packet(to: str, protocol: int, data: bytes = bytes(20), place: int = 0, options: int = 0) -> bytes:
    """An Ethernet frame with an IPv4 packet; `place` is the fragment word of its header."""
    head = struct.pack("!BBHHHBBH4s4s", 0x45 + options, 0, 20 + len(data), 1, place, 64, protocol,
                       0, bytes(4), ipaddress.ip_address(to).packed)  # fmt: skip
    return bytes(12) + b"\x08\0" + head + bytes(4 * options) + data


def tcp(flags: int) -> bytes:
    return struct.pack("!HHIIBBHHH", 80, 40000, 0, 0, 0x50, flags, 0, 0, 0)


def udp(source: int, destination: int) -> bytes:
    return struct.pack("!4H", source, destination, 12, 0) + b"word"


@pytest.mark.parametrize(
    ("frame", "passes"),
    [
        (bytes(12) + b"\x08\x06" + bytes(28), True),  # ARP
        (bytes(12) + b"\x86\xdd" + bytes(60), False),  # IPv6
        (bytes(12) + b"\x81\0\0\1\x08\0" + packet("127.0.0.1", 17)[14:], False),  # a VLAN's
        (bytes(12) + b"\x08\0\x45", False),  # too short
        (packet("192.0.2.7", 17), True),
        (packet("192.0.2.7", 6, tcp(2)), True),
        (packet("10.0.2.3", 17, udp(40000, 53)), True),
        (packet("127.0.0.1", 17), False),
        (packet("127.255.0.9", 6, tcp(2)), False),
        (packet("127.0.0.1", 17, options=3), False),
        (packet("0.0.0.0", 17), False),
        (packet("0.1.2.3", 1), False),
        (packet("255.255.255.255", 17, udp(53, 40000)), False),
        (packet("10.0.2.2", 1), True),  # ping
        (packet("10.0.2.2", 6, tcp(0x02)), False),  # SYN
        (packet("10.0.2.2", 6, tcp(0x0A)), False),  # SYN, PSH
        (packet("10.0.2.2", 6, tcp(0x12)), True),  # SYN, ACK
        (packet("10.0.2.2", 6, tcp(0x10)), True),
        (packet("10.0.2.2", 6, tcp(0x10), options=1), False),
        (packet("10.0.2.2", 6, tcp(0x10), place=0x2000), False),  # more fragments
        (packet("10.0.2.2", 6, tcp(0x10), place=1), False),  # a later one
        (packet("10.0.2.2", 132), False),  # SCTP
        (packet("10.0.2.2", 17, udp(53, 40000)), True),  # the answer of a published port
        (packet("10.0.2.2", 17, udp(54, 32768)), True),
        (packet("10.0.2.2", 17, udp(54, 60999)), True),
        (packet("10.0.2.2", 17, udp(54, 32767)), False),
        (packet("10.0.2.2", 17, udp(54, 61000)), False),
        (packet("10.0.2.2", 17, udp(52, 40000)), False),  # not published
        (packet("10.0.2.2", 17, udp(55, 40000)), False),
        (packet("10.0.2.2", 17, udp(7001, 40000)), True),
        (packet("10.0.2.2", 17, udp(53, 40000), place=0x2000), False),
    ],
)
def test_which_frames_may_leave(frame: bytes, passes: bool) -> None:
    assert judge(frames.allowed([53, 54, 7001], (32768, 60999)), frame) == passes
    if frame[23:24] == b"\x11" and frame[30:34] == bytes((10, 0, 2, 2)):
        assert not judge(frames.allowed([], (32768, 60999)), frame)


def test_the_filter_fits_also_with_many_ports() -> None:
    assert len(frames.allowed([], (32768, 60999))) // 8 < 40
    assert len(frames.allowed(list(range(1000, 4000)), (32768, 60999))) // 8 < 40
    assert len(frames.allowed(list(range(1000, 3000, 2)), (32768, 60999))) // 8 < 4096


def test_a_cable_that_comes_while_a_prune_looks_keeps_its_guard(tmp_path: Path) -> None:
    """Another store's container: of it there is neither a lock nor a directory that this one knows."""
    there = [f"minidocker_{'ab' * 6}", "minidocker_mdk7"]
    devices = ["lo"]

    def nft(argv: list[str]) -> str:
        devices.extend([leases.link("ab" * 6), "mdk7"])  # made after any earlier look
        return "".join(f"table {family} {name}\n" for family, name in zip(("netdev", "ip"), there, strict=True))

    networks = SimpleNamespace(
        kernel=SimpleNamespace(run=nft), devices=lambda: list(devices), containers=str(tmp_path)
    )
    assert left_over.lost_tables(networks) == []
    there[:] = [f"minidocker_{'cd' * 6}", "minidocker_mdk9"]
    assert left_over.lost_tables(networks) == [f"netdev minidocker_{'cd' * 6}", "ip minidocker_mdk9"]


# --- what is said in bytes -------------------------------------------------------------------

LEASE = leases.lease_for("0123456789ab", "10.77.3.9", "mdk0", "10.77.3.0/24")
IN_TEXT = ("nft", "-f", "-")


def in_a_namespace(script: str, *argv: str, stdin: str = "") -> str:
    """Run a Python script, or a program, in a network namespace that has mdk0 and a cable."""
    words = "import sys; from minidocker.kernel.linux import Linux; " + script
    line = (
        f"ip link add mdk0 type bridge; ip link add {LEASE.link} type veth peer name other; "
        f"{shlex.join(argv or [sys.executable, '-c', words])} && nft --debug=netlink list ruleset"
    )
    done = subprocess.run(
        ["unshare", "--net", "sh", "-c", line], input=stdin, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.needs("root", "netns", "veth", "iproute2", "nft")
def test_rules_in_bytes_are_the_rules_in_text() -> None:
    """nft(8) reads both back: its own text, and each step of each rule."""
    lease = "leases.lease_for('0123456789ab', '10.77.3.9', 'mdk0', '10.77.3.0/24')"
    said = f"from minidocker.net import leases, tables; Linux().netlink(12, tables.guard({lease}), '')"
    in_bytes = in_a_namespace(said)
    assert in_bytes == in_a_namespace("", *IN_TEXT, stdin=rules.guard(LEASE))
    assert "ip saddr != 10.77.3.9" in in_bytes
    names = ["netdev minidocker_0123456789ab", "ip minidocker_0123456789ab", "ip never"]
    assert in_a_namespace(f"{said}; Linux().netlink(12, tables.gone({names}), '')") == ""


@pytest.mark.needs("root", "netns", "veth", "iproute2", "nft")
def test_what_the_kernel_refuses_is_told_with_its_words() -> None:
    said = (
        "from minidocker.net import cable\n"
        "try: Linux().netlink(0, cable.gone(['lo', 'nix']), 'ip link del lo')\n"
        "except OSError as problem: text = str(problem)\n"
        "assert 'RTM_DELLINK' in text and 'ip link del lo' in text, text\n"
        "try: Linux().index_of('nix')\n"
        "except OSError as problem: text = str(problem)\n"
        "assert 'SIOCGIFINDEX' in text and 'nix' in text, text\n"
        "try: Linux().netlink(12, [], '', 0x7ffffff)\n"
        "except OSError as problem: text = str(problem)\n"
        "assert '/proc/134217727/ns/net' in text, text\n"
    )
    assert in_a_namespace("pass\n" + said) == ""


def test_answers_that_are_cut_are_refused() -> None:
    whole = netlink.message(netlink.NLMSG_ERROR, 0, (-19).to_bytes(4, "little", signed=True), bytes(16))
    assert netlink.answers(whole) == [(0, 19, "")]
    assert netlink.answers(b"") == []
    with pytest.raises(KernelError):
        netlink.answers((len(whole) + 4).to_bytes(4, "little") + whole[4:])
    with pytest.raises(KernelError):
        netlink.answers(bytes(24))
    assert netlink.words(b"\2\0\1\0") == "" == netlink.words(netlink.text(3, "x"))
    assert netlink.words(netlink.text(3, "x") + netlink.text(1, "no such device")) == "no such device"


def test_who_parts_leaves_the_rest_to_the_next() -> None:
    """While others stay, the end of a run says nothing to the kernel; the trail is written first."""
    root = "/r/networks"
    table = {f"{root}/n/leases": "10.77.0.2\taaaaaaaaaaaa one\n10.77.0.3\tbbbbbbbbbbbb\n"}
    kernel = Pretend(table)
    kernel.exists = lambda path: path in kernel.files  # type: ignore[method-assign]
    there = Networks(kernel, "/r")
    there.part("n", "bbbbbbbbbbbb")
    written = [call[1][0] for call in kernel.calls if call[0] == "rewrite"]
    assert written[:2] == [f"{root}/n/gone", f"{root}/n/leases"]
    assert there.gone("n") == ["bbbbbbbbbbbb"]
    assert there.members("n") == {"10.77.0.2": "aaaaaaaaaaaa one"}
    assert not [call for call in kernel.calls if call[0] in ("netlink", "run")]
    there.up = lambda _: ("mdk0", "10.77.0.0/24")  # type: ignore[method-assign]
    there.devices = list  # type: ignore[assignment]
    there.part("n", "aaaaaaaaaaaa")  # the last one: of both
    said = "".join(call[1][2] for call in kernel.calls if call[0] == "netlink")
    for id in ("aaaaaaaaaaaa", "bbbbbbbbbbbb"):
        assert f"delete table netdev minidocker_{id}\n" in said and f"ip link del mdv{id}" in said
    assert ("unlink", (f"{root}/n/gone",)) in kernel.calls


def test_on_a_network_of_a_user_s_a_container_sends_under_its_own_addresses_alone() -> None:
    name, address, to = "024d0a630002", bytes((10, 99, 0, 2)), bytes.fromhex("024d0a630003")
    mac = bytes.fromhex(name)
    ip = to + mac + b"\x08\x00" + bytes(12) + address + bytes((10, 99, 0, 3))
    arp = b"\xff" * 6 + mac + b"\x08\x06" + bytes(14) + address + bytes(10)
    assert taps.its_own(ip, name, address) and taps.its_own(arp, name, address)
    for frame in (
        ip.replace(address, bytes((10, 99, 0, 4))), arp.replace(address, bytes((10, 99, 0, 4))),
        to + to + ip[12:], to + mac + b"\x86\xdd" + ip[14:], ip[:20], b"",
    ):  # fmt: skip
        assert not taps.its_own(frame, name, address), frame
