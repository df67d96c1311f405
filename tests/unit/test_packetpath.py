"""packet_path and its helpers, on a real bridge in a network namespace of the test's own."""

from __future__ import annotations

import os

import pytest

from minidocker.lab.cells import CellFailed
from minidocker.lab.hosts import inside, small_host
from minidocker.lab.overhear import overheard
from minidocker.pictures.network_map import network_map
from minidocker.pictures.packet_path import hops, less, packet_path

pytestmark = pytest.mark.needs("root", "netns", "veth", "iproute2", "nft", "busybox")
PING = "busybox ping -c 1 -W 2 "


@pytest.fixture
def host():
    made = small_host()
    yield made
    made.stop()


def plugged(host, name, address):
    """A process in a network of its own, on the bridge mdk0 of the host."""
    box = host.box()
    host.sh(f"ip link add {name} master mdk0 up type veth peer name eth0 netns {box.pid}")
    inside(box, f"ip addr add {address}/24 dev eth0; ip link set eth0 up")
    return box


def test_a_small_host_passes_nothing_on_whatever_this_machine_does(host) -> None:
    assert host.sh("cat /proc/sys/net/ipv4/ip_forward") == "0"


def test_a_small_host_that_has_ended_says_so(host) -> None:
    assert "network namespace" in repr(host)
    host.stop()
    assert repr(host) == "<a small host that has ended>"
    with pytest.raises(CellFailed, match="run again the cell that makes it"):
        host.sh("true")


def test_nothing_that_was_started_in_a_small_host_outlives_it(host) -> None:
    box, other = host.box(), host.cable("wan", "192.0.2.1/24", "192.0.2.2/24")
    pids = [box.pid, other.pid, host.pid]
    assert all(os.path.exists(f"/proc/{pid}") for pid in pids)
    host.stop()
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids)


def test_hops_count_what_went_by(host) -> None:
    host.sh("ip link add mdk0 type bridge; ip addr add 10.77.0.1/24 dev mdk0; ip link set mdk0 up")
    box = plugged(host, "mdvabc", "10.77.0.2")
    rules = "iifname mdk0 oifname mdk0 counter accept; counter drop"
    host.sh("nft 'table ip minidocker_mdk0 { chain forward { type filter hook forward priority 0; "
            + rules + "; }; }'")  # fmt: skip
    inside(box, PING + "10.77.0.1")
    picture = packet_path(box, host)
    counted = {name: text for name, *_, text in picture.rows}
    assert [row[0] for row in picture.rows] == [
        "prerouting", "forward", "output", "postrouting", "mdk0", "mdvabc", "eth0", "guard",
    ]  # fmt: skip
    assert "itself: output → postrouting → mdk0" in picture.desc
    assert counted["guard"] == "no rule"
    assert counted["forward"] == "0 accept, 0 drop"
    assert int(counted["eth0"].split()[0]) >= 2
    assert "10.77.0.2" in picture.text() and picture.desc.endswith("mdvabc → eth0.")
    box.stop()


def test_from_a_zero_point_only_what_came_after_it_counts(host) -> None:
    host.sh("ip link add mdk0 type bridge; ip addr add 10.77.0.1/24 dev mdk0; ip link set mdk0 up")
    box = plugged(host, "mdvabc", "10.77.0.2")
    host.sh("nft 'table ip own { chain o { type nat hook output priority -100; "
            "tcp dport 8080 counter dnat to 10.77.0.2:80; tcp dport 81 dnat to 10.77.0.2; }; }'")  # fmt: skip
    counted = lambda **since: {  # noqa: E731
        name: text for name, *_, text in packet_path(box, host, **since).rows
    }
    ask = "busybox nc -w 1 10.77.0.1 8080"
    host.sh(ask, status=1)
    assert counted()["output"] == "1 dnat"  # a rule that does not count adds nothing
    zero = packet_path(box, host)
    assert counted(since=zero)["output"] == "0 dnat"
    host.sh(ask, status=1)
    assert counted(since=zero)["output"] == "1 dnat" and counted()["output"] == "2 dnat"
    box.stop()


def test_only_like_texts_are_subtracted() -> None:
    assert less("12 in, 4 out", "10 in, 1 out") == "2 in, 3 out"
    assert less("3 accept, 1 drop", "2 accept") == "3 accept, 1 drop"


def test_a_process_without_a_cable_is_a_lookup_error(host) -> None:
    box = host.box()
    with pytest.raises(LookupError, match="no cable"):
        hops(box.pid, host.pid)
    with pytest.raises(LookupError):
        hops(2**22 - 1, host.pid)
    box.stop()


def test_overheard_hears_what_is_for_everybody(host) -> None:
    host.sh("ip link add mdk0 type bridge; ip link set mdk0 up")
    boxes = [plugged(host, f"mdv{n}", f"10.77.0.{n}") for n in (2, 3, 4)]
    heard = overheard(boxes[2], lambda: inside(boxes[0], PING + "10.77.0.3"))
    assert "ARP 10.77.0.2 asks for 10.77.0.3" in heard
    assert not any("ICMP" in line for line in heard)
    for box in boxes:
        box.stop()


def test_the_map_shows_both_ends_of_each_cable(host) -> None:
    host.sh("ip link add mdk0 type bridge; ip addr add 10.77.0.1/24 dev mdk0; ip link set mdk0 up")
    boxes = [plugged(host, f"mdv{n}", f"10.77.0.{n}") for n in (2, 3)]
    inside(boxes[1], "ip link set eth0 down")
    picture = network_map(host, boxes, ["web", "<db>"])
    facts = {(row[0], row[1]): row[2:] for row in picture.rows}
    assert facts["host", "mdv2"] == ("", "up", "mdk0", "eth0 of web")
    assert facts["web", "eth0"] == ("10.77.0.2/24", "up", "", "mdv2 of host")
    assert facts["<db>", "eth0"] == ("10.77.0.3/24", "down", "", "mdv3 of host")
    assert facts["host", "mdk0"] == ("10.77.0.1/24", "up", "", "")
    assert [row[1] for row in picture.rows if row[0] == "host"] == ["mdk0", "mdv2", "mdv3", "lo"]
    assert "mdv3 of the host leads to eth0 of <db>" in picture.desc
    assert picture.svg().count('stroke-dasharray="5 4"') >= 1 and "&lt;db&gt;" in picture.svg()
