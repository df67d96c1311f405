"""Subnets, ports, the lease table and the texts for nft: no privilege needed."""

from __future__ import annotations

import ipaddress

import pytest

from minidocker.errors import Blocked, UsageError
from minidocker.kernel.linux import Linux
from minidocker.kernel.trace import Pretend
from minidocker.net import addresses, frames, leases, ports, rules
from minidocker.net.networks import Networks, lease_for
from minidocker.spec import Ids, Net, Run, Spec
from minidocker.spec import Linux as Section
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
        ("80", [("", 80, 80, "tcp")]),
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
    spec = Spec(net=net, linux=Section(ids=Ids(uid=1000)))
    kernel = Lacking(*gone)
    with pytest.raises(Blocked, match=said) as problem:
        Network().before(kernel, Run(id="x", directory="/none", root="", spec=spec, facts={}))
    assert remedy in problem.value.remedy and "-p out" in problem.value.remedy
    assert not [name for name, _ in kernel.calls if name not in ("exists", "read")]


def test_the_filter_fits_also_with_many_ports() -> None:
    assert len(frames.allowed([], (32768, 60999))) // 8 < 40
    assert len(frames.allowed(list(range(1000, 2000)), (32768, 60999))) // 8 < 4096
