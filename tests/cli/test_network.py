"""Networks with the real command, on the real kernel, in a network namespace of the test's own.

`realm` is a machine in small: its own network and mount namespaces, its own store. What minidocker
makes there (bridges, rules, sysctls) is never seen on the machine that runs the tests.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.needs("root", "netns", "overlay", "veth", "iproute2", "nft", "busybox")

# A server of one line a connection: a token, and the address that asks, as the server sees it.
SERVER = """
import socket, sys
port, token, kind = int(sys.argv[1]), sys.argv[2], sys.argv[3]
if kind == "udp":
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.bind(("0.0.0.0", port))
    while True:
        _, who = one.recvfrom(100)
        one.sendto(f"{token} {who[0]}".encode(), who)
one = socket.create_server(("0.0.0.0", port))
while True:
    talk, who = one.accept()
    talk.sendall(f"{token} {who[0]}".encode())
    talk.close()
"""
ASK = """
import socket, sys
host, port, kind = sys.argv[1], int(sys.argv[2]), sys.argv[3]
if kind == "udp":
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.settimeout(3)
    one.sendto(b"?", (host, port))
    print(one.recv(100).decode())
else:
    one = socket.create_connection((host, port), 3)
    print(one.makefile().read())
"""


class Realm:
    """A network namespace with a store; commands run in it as on a machine of its own."""

    def __init__(self, store: Path, command: list[str]) -> None:
        self.store, self.command = store, command
        self.begun: list[subprocess.Popen] = []
        script = "ip link set lo up; mount -t sysfs sysfs /sys; echo up; exec sleep 1000"
        self.holder = subprocess.Popen(
            ["unshare", "--net", "--mount", "--propagation", "private", "sh", "-c", script],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.holder.stdout and self.holder.stdout.readline()

    def argv(self, *words: str, pid: int = 0) -> list[str]:
        spaces = ["nsenter", f"--target={pid or self.holder.pid}", "--net"]
        return [*spaces, *([] if pid else ["--mount"]), "--wd=/", "env",
                f"MINIDOCKER_ROOT={self.store}", f"PYTHONPATH={Path(__file__).parents[2]}", *words]  # fmt: skip

    def run(self, *words: str, pid: int = 0, check: bool = True) -> str:
        done = subprocess.run(
            self.argv(*words, pid=pid), capture_output=True, text=True, timeout=60,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if check and done.returncode:
            raise AssertionError(f"{words}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout + ("" if check else done.stderr)

    def mini(self, *words: str, check: bool = True) -> str:
        return self.run(*self.command, *words, check=check)

    def start(self, *words: str) -> subprocess.Popen:
        """Start minidocker in the background, in a session of its own."""
        one = subprocess.Popen(
            self.argv(*self.command, *words), stdin=subprocess.DEVNULL, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self.begun.append(one)
        return one

    def serve(self, name: str, *options: str, port: int = 80, kind: str = "tcp") -> dict:
        """Start a container that serves its own name; return its record once it answers."""
        self.start("run", "--rm", "--name", name, *options, "--stages", "pid,uts,network",
                   sys.executable, "-I", "-c", SERVER, str(port), name, kind)  # fmt: skip
        record = self.record(name)
        number = f":{port:04X} "
        table = f"/proc/{record['pid']}/net/{kind}"
        wait_for(lambda: number in Path(table).read_text())
        return record

    def record(self, name: str) -> dict:
        """Wait until a container runs; return its record."""
        path = self.store / "containers" / "names" / name / "record.json"

        def running() -> bool:
            try:
                return json.loads(path.read_text())["status"] == "running"
            except (OSError, ValueError):
                return False

        wait_for(running)
        return json.loads(path.read_text())

    def ask(self, host: str, port: int, kind: str = "tcp", pid: int = 0) -> str:
        """Connect from the realm, or from process `pid`'s network: what the server said."""
        words = (sys.executable, "-I", "-c", ASK, host, str(port), kind)
        return self.run(*words, pid=pid, check=False).strip()

    def state(self) -> dict[str, object]:
        """Everything that a network may leave."""
        leases = self.store / "networks" / "bridge" / "leases"
        return {
            "links": sorted(line.split(":")[1] for line in self.run("ip", "-o", "link").splitlines()),
            "rules": self.run("nft", "--stateless", "list", "ruleset"),
            "routes": self.run("ip", "route"),
            "forward": self.run("cat", "/proc/sys/net/ipv4/ip_forward"),
            "leases": leases.read_text() if leases.exists() else "",
            "containers": [p.name for p in (self.store / "containers").glob("[0-9a-f]*")],
        }  # fmt: skip

    def end(self, one: subprocess.Popen) -> None:
        one.terminate()
        one.wait(30)

    def close(self) -> None:
        for one in self.begun:
            if one.poll() is None:
                one.send_signal(signal.SIGKILL)
            one.wait()
            assert one.stdout
            one.stdout.close()
        self.holder.kill()
        self.holder.wait()


def wait_for(true: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


@pytest.fixture
def realm(shared_store: Path, tmp_path: Path, command: list[str]) -> Iterator[Realm]:
    """A machine in small, with the image `base`, and nothing in its network but loopback."""
    store = tmp_path / "store"
    shutil.copytree(shared_store, store, symlinks=True,
                    ignore=shutil.ignore_patterns("containers", "networks"))  # fmt: skip
    before = sorted(os.listdir("/sys/class/net"))
    made = Realm(store, command)
    yield made
    made.close()
    assert sorted(os.listdir("/sys/class/net")) == before


def test_a_container_has_an_address_a_route_and_a_name(realm: Realm) -> None:
    out = realm.mini("run", "--rm", "--name", "web", "--network", "bridge", "base", "sh", "-c",
                     "ip -4 -o addr show eth0; ip route; cat /etc/hosts; ping -c 1 -W 2 10.77.0.1")  # fmt: skip
    assert "10.77.0.2/24" in out
    assert "default via 10.77.0.1 dev eth0" in out
    assert "10.77.0.2\t" in out and " web" in out
    assert "1 packets received" in out


def test_the_bridge_is_the_default_and_leaves_nothing(realm: Realm) -> None:
    before = realm.state()
    out = realm.mini("run", "--rm", "base", "sh", "-c", "ls /sys/class/net; ping -c 1 -W 2 10.77.0.1")
    assert "eth0" in out.split() and "1 packets received" in out
    assert realm.state() == before


def test_a_wall_alone_has_no_cable(realm: Realm) -> None:
    out = realm.mini("run", "--rm", "--stages", "pid,network", "cat", "/proc/self/net/dev")
    assert "lo:" in out and "eth0" not in out
    assert not (realm.store / "networks").exists()


def test_where_nft_is_missing_a_plain_run_says_so_and_goes_without(realm: Realm) -> None:
    """Nothing was asked for, so nothing is broken; what is asked for is an error."""
    hidden = realm.store.parent / "bin"
    hidden.mkdir()
    for place in ("/usr/sbin/nft", "/usr/bin/nft", "/sbin/nft"):
        if os.path.exists(place):
            (hidden / "nft").write_text("#!/bin/sh\necho no nft in this kernel >&2; exit 1\n")
            (hidden / "nft").chmod(0o755)
            realm.run("mount", "--bind", str(hidden / "nft"), place)
    before = realm.run("ip", "-o", "link")
    out = realm.mini("run", "--rm", "base", "ls", "/sys/class/net", check=False)
    assert out.split()[0] == "lo" and "this container has no network but loopback" in out
    assert "no nft in this kernel" in out and "--network none asks for that" in out
    assert realm.run("ip", "-o", "link") == before  # the bridge that was begun is gone
    out = realm.mini("run", "--rm", "--network", "bridge", "base", "true", check=False)
    assert "no nft in this kernel" in out and "no network but loopback" not in out
    assert realm.run("ip", "-o", "link") == before


def test_none_is_one_word_and_has_loopback_alone(realm: Realm) -> None:
    out = realm.mini("run", "--rm", "--net=none", "base", "sh", "-c",
                     "ls /sys/class/net; ping -c 1 127.0.0.1")  # fmt: skip
    assert out.split()[0] == "lo" and "eth0" not in out
    assert "1 packets received" in out
    assert not (realm.store / "networks").exists()


def test_everything_is_as_before_when_the_last_one_has_left(realm: Realm) -> None:
    before = realm.state()
    realm.mini("run", "--rm", "-p", "8080:80", "base", "true")
    assert realm.state() == before
    realm.mini("run", "--rm", "-p", "8080:80", "base", "false", check=False)
    assert realm.state() == before


def test_forwarding_that_was_on_stays_on(realm: Realm) -> None:
    realm.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
    realm.mini("run", "--rm", "--network", "bridge", "base", "true")
    assert realm.state()["forward"] == "1\n"


def test_two_see_each_other_by_name_also_the_earlier_one(realm: Realm) -> None:
    first = realm.start("run", "--rm", "--name", "first", "--network", "bridge", "base",
                        "sh", "-c", "until grep -q second /etc/hosts; do sleep 0.1; done; "
                        "until ping -c 1 -W 1 second; do sleep 0.1; done; sleep 8")  # fmt: skip
    realm.record("first")
    out = realm.mini("run", "--rm", "--name", "second", "--network", "bridge",
                     "--network-alias", "db", "base", "sh", "-c",
                     "ping -c 1 first && ping -c 1 db && sleep 3")  # fmt: skip
    assert out.count("1 packets received") == 2
    assert first.wait(60) == 0


@pytest.mark.parametrize("bridged", ["0", "1"])
def test_a_published_port_from_everywhere(realm: Realm, bridged: str) -> None:
    """From the host by 127.0.0.1 and by its address, from a neighbour, from itself, from outside.

    `bridged`: whether frames on a bridge pass the rules too (br_netfilter), as where Docker runs.
    """
    switch = "/proc/sys/net/bridge/bridge-nf-call-iptables"
    if os.path.exists(switch):
        realm.run("sh", "-c", f"echo {bridged} > {switch}")
    elif bridged == "1":
        pytest.skip("blocked: no br_netfilter (modprobe br_netfilter)")
    outside = Outside(realm)
    try:
        web = realm.serve("web", "-p", "8080:80")
        other = realm.serve("other", "--network", "bridge")
        assert realm.ask("127.0.0.1", 8080) == "web 10.77.0.1"
        assert realm.ask("192.0.2.1", 8080).split()[0] == "web"
        assert realm.ask("192.0.2.1", 8080, pid=other["pid"]).split()[0] == "web"
        assert realm.ask("10.77.0.1", 8080, pid=web["pid"]).split()[0] == "web"
        assert realm.ask("10.77.0.2", 80, pid=other["pid"]) == f"web {other['facts']['address']}"
        # the address of who asks is not lost on the way
        assert realm.ask("192.0.2.1", 8080, pid=outside.pid) == "web 192.0.2.2"
        # and what is not published cannot be reached by a route alone
        assert "timed out" in realm.ask("10.77.0.2", 80, pid=outside.pid)
        # out of the container, with the host's address
        assert outside.seen_from(web["pid"]) == "192.0.2.1"
    finally:
        outside.close()


class Outside:
    """Another machine: a network namespace at the other end of a cable from the realm."""

    def __init__(self, realm: Realm) -> None:
        self.realm = realm
        self.holder = subprocess.Popen(["unshare", "--net", "sleep", "1000"])
        self.pid = self.holder.pid
        own = os.stat("/proc/self/ns/net").st_ino
        wait_for(lambda: os.stat(f"/proc/{self.pid}/ns/net").st_ino != own)
        realm.run("ip", "link", "add", "wan", "type", "veth", "peer", "name", "eth0",
                  "netns", str(self.pid))  # fmt: skip
        realm.run("sh", "-c", "ip addr add 192.0.2.1/24 dev wan; ip link set wan up")
        realm.run("sh", "-c", "ip addr add 192.0.2.2/24 dev eth0; ip link set eth0 up; "
                  "ip link set lo up; ip route add 10.77.0.0/16 via 192.0.2.1", pid=self.pid)  # fmt: skip

    def seen_from(self, pid: int) -> str:
        """Serve out here, let process `pid` ask: the address that it comes with."""
        server = subprocess.Popen(
            self.realm.argv(sys.executable, "-I", "-c", SERVER, "9000", "far", "tcp", pid=self.pid)
        )
        try:
            wait_for(lambda: ":2328 " in Path(f"/proc/{self.pid}/net/tcp").read_text())
            return self.realm.ask("192.0.2.2", 9000, pid=pid).split()[-1]
        finally:
            server.kill()
            server.wait()

    def close(self) -> None:
        self.holder.kill()
        self.holder.wait()


def test_udp_and_one_address_of_the_host(realm: Realm) -> None:
    realm.serve("dns", "-p", "127.0.0.1:5353:53/udp", port=53, kind="udp")
    assert realm.ask("127.0.0.1", 5353, "udp") == "dns 10.77.0.1"
    assert "timed out" in realm.ask("10.77.0.1", 5353, "udp")


def test_a_range_of_ports(realm: Realm) -> None:
    realm.serve("web", "-p", "8000-8002:80-82", port=82)
    assert realm.ask("127.0.0.1", 8002) == "web 10.77.0.1"


def test_a_taken_port_is_one_sentence_and_leaves_nothing(realm: Realm) -> None:
    realm.serve("web", "-p", "8080:80")
    before = realm.state()
    out = realm.mini("run", "--rm", "-p", "8080:80", "base", "true", check=False)
    assert out.splitlines()[0] == "minidocker: port 8080/tcp of this host is taken"
    assert "(container web has it)" in out
    assert "Bind for 0.0.0.0:8080 failed: port is already allocated" in out
    assert realm.state() == before


def test_a_port_that_a_process_has_is_told_with_its_name(realm: Realm) -> None:
    server = subprocess.Popen(realm.argv(sys.executable, "-I", "-c", SERVER, "8080", "x", "tcp"))
    try:
        wait_for(lambda: realm.ask("127.0.0.1", 8080).startswith("x"))
        out = realm.mini("run", "--rm", "-p", "8080:80", "base", "true", check=False)
        assert f"(process {server.pid}) has it" in out, out
    finally:
        server.kill()
        server.wait()


def test_any_port_and_the_first_free_one_of_a_range(realm: Realm) -> None:
    realm.serve("web", "-p", "8080:80")
    realm.serve("more", "-p", "8080-8082:80", "-P", "--expose", "90-91", "--expose", "53/udp")
    lines = dict(line.split(" -> ") for line in realm.mini("port", "more").splitlines())
    assert lines.pop("80/tcp") == "0.0.0.0:8081"
    assert sorted(lines) == ["53/udp", "90/tcp", "91/tcp"]
    assert all(int(where.rpartition(":")[2]) > 1023 for where in lines.values())
    assert realm.ask("127.0.0.1", 8081) == "more 10.77.0.1"
    realm.serve("any", "-p", "127.0.0.1::80")
    where = realm.mini("port", "any", "80").strip()
    assert where.startswith("127.0.0.1:")
    assert realm.ask("127.0.0.1", int(where.rpartition(":")[2])) == "any 10.77.0.1"


def test_a_line_of_add_host_stays_when_neighbours_come(realm: Realm) -> None:
    one = realm.start("run", "--rm", "--name", "first", "--add-host", "db:1.2.3.4", "--add-host",
                      "host.docker.internal:host-gateway", "--dns", "9.9.9.9", "base", "sh", "-c",
                      "until grep -q late /etc/hosts; do sleep 0.1; done; "
                      "cat /etc/hosts /etc/resolv.conf")  # fmt: skip
    realm.record("first")
    late = realm.start("run", "--rm", "--name", "late", "base", "sh", "-c",
                       "cat /etc/hosts; sleep 3")  # fmt: skip
    said = one.communicate(timeout=60)[0]  # it has seen its neighbour
    assert "1.2.3.4" not in late.communicate(timeout=60)[0]  # one member's lines are its own
    assert "1.2.3.4\tdb\n" in said and "10.77.0.1\thost.docker.internal\n" in said
    assert [line for line in said.splitlines() if "nameserver" in line] == ["nameserver 9.9.9.9"]


def test_an_ethernet_address_of_ones_own(realm: Realm) -> None:
    """The guard at the cable knows it: packets pass."""
    out = realm.mini("run", "--rm", "--mac-address", "02-42-AC-11-00-02", "base", "sh", "-c",
                     "cat /sys/class/net/eth0/address; ping -c 1 -W 2 10.77.0.1")  # fmt: skip
    assert out.startswith("02:42:ac:11:00:02\n") and "1 packets received" in out
    out = realm.mini("run", "--rm", "--network", "name=bridge,alias=db,ip=10.77.0.9,mac-address="
                     "02:42:ac:11:00:03", "base", "cat", "/etc/hosts", "/sys/class/net/eth0/address")  # fmt: skip
    assert "10.77.0.9\t" in out and " db\n" in out and out.endswith("02:42:ac:11:00:03\n")


def test_a_port_is_taken_on_the_host_too(realm: Realm) -> None:
    realm.serve("web", "-p", "8080:80")
    bind = "import socket; socket.create_server(('127.0.0.1', 8080))"
    assert "Address already in use" in realm.run(sys.executable, "-I", "-c", bind, check=False)


def test_loopback_of_the_host_stays_out_of_reach(realm: Realm) -> None:
    """route_localnet is on for the bridge: the rule in front of it must hold."""
    web = realm.serve("web", "-p", "8080:80")
    server = subprocess.Popen(realm.argv(sys.executable, "-I", "-c", SERVER, "7000", "secret", "tcp"))
    try:
        wait_for(lambda: realm.ask("127.0.0.1", 7000) == "secret 127.0.0.1")
        realm.run("ip", "route", "add", "127.0.0.0/8", "via", "10.77.0.1", "dev", "eth0",
                  "table", "7", pid=web["pid"])  # fmt: skip
        # the container tries all it can: its own loopback is out of the way
        realm.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/conf/eth0/route_localnet; "
                  "ip rule add pref 0 table 7; ip rule del pref 0 lookup local; "
                  "ip rule add pref 9 lookup local", pid=web["pid"])  # fmt: skip
        assert "timed out" in realm.ask("127.0.0.1", 7000, pid=web["pid"])
        assert "counter packets 0" not in next(
            line for line in realm.run("nft", "list", "table", "ip", "minidocker_mdk0").splitlines()
            if "127.0.0.0/8 counter" in line
        )  # fmt: skip
    finally:
        server.kill()
        server.wait()


def test_another_network_is_another_world(realm: Realm) -> None:
    assert realm.mini("network", "create", "shop", "--subnet", "10.99.0.0/24") == "shop\n"
    shop = realm.serve("shop", "--network", "shop")
    web = realm.serve("web", "--network", "bridge", "-p", "8080:80")
    assert shop["facts"]["address"] == "10.99.0.2"
    assert "timed out" in realm.ask("10.77.0.2", 80, pid=shop["pid"])
    assert "timed out" in realm.ask("10.99.0.2", 80, pid=web["pid"])
    assert realm.ask("10.99.0.1", 8080, pid=shop["pid"]).split()[0] == "web"
    listed = realm.mini("network", "ls")
    assert "shop" in listed and "10.99.0.0/24" in listed and "mdk0" in listed
    found = json.loads(realm.mini("network", "inspect", "shop"))[0]
    assert next(iter(found["Containers"].values()))["IPv4Address"] == "10.99.0.2/24"
    assert realm.mini("network", "inspect", "-f", "{{(index .IPAM.Config 0).Subnet}}", "shop") == "10.99.0.0/24\n"
    assert realm.mini("network", "ls", "-q").split() == ["bridge", "host", "none", "shop"]
    assert "has 1 containers" in realm.mini("network", "rm", "shop", check=False)


def test_ip_and_its_refusals(realm: Realm) -> None:
    realm.serve("web", "--network", "bridge", "--ip", "10.77.0.9")
    assert realm.ask("10.77.0.9", 80) == "web 10.77.0.1"
    for address, said in (("10.77.0.9", "is taken by"), ("10.1.1.1", "is not for a container"),
                          ("10.77.0.1", "is not for a container"), ("x", "no IPv4 address")):  # fmt: skip
        assert said in realm.mini("run", "--rm", "--network", "bridge", "--ip", address, "base",
                                  "true", check=False)  # fmt: skip


def test_joining_anothers_network(realm: Realm) -> None:
    web = realm.serve("web", "--network", "bridge")
    out = realm.mini("run", "--rm", "--network", "container:web", "base", "ip", "-4", "-o", "addr")
    assert web["facts"]["address"] in out
    realm.mini("run", "-d", "--name", "db", "--add-host", "far:192.0.2.1", "base", "sleep", "600")
    script = "hostname; echo $HOSTNAME; cat /etc/hostname /etc/hosts"  # so neighbours have names
    theirs = realm.mini("exec", "db", "sh", "-c", script)
    realm.mini("create", "--name", "beside", "--network", "container:db", "base", "sh", "-c", script)
    for _ in range(2):  # the second start leaves theirs as they are, too
        assert realm.mini("start", "-a", "beside") == theirs and "192.0.2.1" in theirs
    realm.mini("rm", "-f", "db", "beside")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--network", "nowhere"], "there is no network nowhere"),
        (["--network", "bridge", "--network", "nowhere"], "minidocker: there is no network nowhere"),
        (["--network", "bridge", "--network", "bridge"], "is specified multiple times"),
        (["--network", "none", "--network", "bridge"], "goes with no other --network"),
        (["--network", "none", "-P"], "--publish-all needs a network of its own"),
        (["--network", "none", "--add-host", "me:host-gateway"], "nothing leads to this host"),
        (["--network", "container:x", "-p", "1:1"], "conflicting options: port publishing"),
        (["--network", "container:x", "-h", "y"], "conflicting options: hostname"),
        (["--network", "container:x", "--dns", "1.1.1.1"], "conflicting options: dns"),
        (["--mac-address", "01:00:5e:00:00:01"], "is no Ethernet address of one device"),
        (["--network", "name=bridge,ip6=::1"], "ip6 is refused"),
        (["--network", "none", "-p", "1:1"], "--publish needs a network of its own"),
        (["--network", "host", "-p", "1:1"], "--publish needs a network of its own"),
        (["-p", "80:80:80:80"], "is not [ADDRESS:]HOSTPORT:PORT"),
        (["-p", "0-1:80"], "is not [ADDRESS:]HOSTPORT:PORT"),
        (["-p", "8080:80/sctp"], "sctp is not passed on here"),
        (["-p", "8000-8003:80-81"], "the two ranges differ in length"),
        (["-p", "192.0.2.9:80:80"], "192.0.2.9 is no address of this host"),
        (["--network-alias", "a b"], "is not a name"),
    ],
)
def test_refusals(realm: Realm, words: list[str], said: str) -> None:
    before = realm.state()
    told = realm.mini("run", "--rm", *words, "base", "true", check=False)
    assert said in told and "clean-up" not in told
    assert realm.state() == before


def test_twenty_at_once_are_all_different(realm: Realm) -> None:
    show = "ip -4 -o addr show eth0 | awk '{print $4}'; sleep 4"
    started = [realm.start("run", "--rm", "--network", "bridge", "base", "sh", "-c", show)
               for _ in range(20)]  # fmt: skip
    out = [one.communicate(timeout=60)[0].split() for one in started]
    assert all(one.returncode == 0 for one in started), out
    found = sorted(words[0] for words in out)
    assert len(set(found)) == 20, found
    state = realm.state()
    assert (state["leases"], state["rules"], state["links"]) == ("", "", [" lo"])


def test_a_kill_leaves_nothing_that_the_next_run_or_prune_does_not_remove(realm: Realm) -> None:
    before = realm.state()
    one = realm.start("run", "--name", "dead", "-p", "8080:80", "base", "sleep", "100")
    record = realm.record("dead")
    owner = int(Path(f"/proc/{record['pid']}/status").read_text().split("PPid:")[1].split()[0])
    os.kill(owner, signal.SIGKILL)
    one.wait()
    assert realm.state()["leases"]
    out = realm.mini("run", "--rm", "-p", "8080:80", "base", "ip", "-4", "-o", "addr")
    assert "10.77.0.2/24" in out  # the dead one's address is free again
    realm.mini("prune")
    assert realm.state() == before
    one = realm.start("run", "--name", "dead", "-p", "8080:80", "base", "sleep", "100")
    record = realm.record("dead")
    owner = int(Path(f"/proc/{record['pid']}/status").read_text().split("PPid:")[1].split()[0])
    os.kill(owner, signal.SIGKILL)
    one.wait()
    out = realm.mini("prune")
    assert "removed container" in out
    assert realm.state() == before


@pytest.mark.parametrize("starts", [40, pytest.param(200, marks=pytest.mark.more)])
def test_killed_at_any_step_nothing_stays(realm: Realm, starts: int) -> None:
    """Starts that are killed after a time that grows from nothing to a whole run."""
    before = realm.state()
    for number in range(starts):
        one = subprocess.Popen(
            realm.argv(*realm.command, "run", "--rm", "-p", "8080:80", "base", "true"),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        time.sleep(number * 0.44 / starts)
        os.killpg(one.pid, signal.SIGKILL)
        one.wait()
    wait_for(lambda: "port" not in realm.mini("run", "--rm", "-p", "8080:80", "base", "true", check=False))
    # What was killed may still be on its way out of the kernel: the next prune takes it along.
    end = time.monotonic() + 30
    while realm.state() != before and time.monotonic() < end:
        realm.mini("prune")
    assert realm.state() == before


def test_what_a_killed_command_finished_late_is_removed(realm: Realm) -> None:
    """A program in the kernel finishes what it is at, also when it was killed meanwhile."""
    mac = realm.mini("run", "--rm", "--network", "bridge", "base", "sh", "-c",
                     "ping -c 1 -q 10.77.0.1 >/dev/null; ip neigh show 10.77.0.1").split()[4]  # fmt: skip
    before = realm.state()
    realm.run("ip", "link", "add", "mdk0", "address", mac, "type", "bridge")
    realm.run("ip", "link", "add", "mdk1", "type", "bridge")  # not of this store
    for table in ("ip minidocker_mdk7", "netdev minidocker_0123456789ab", "ip minidocker_mdk1"):
        realm.run("nft", "add", "table", *table.split())
    realm.run("ip", "link", "add", "mdv0123456789ac", "type", "bridge")  # another store's
    realm.run("nft", "add", "table", "ip", "minidocker_0123456789ac")
    out = realm.mini("prune")
    assert sorted(out.splitlines()) == [
        "removed bridge mdk0",
        "removed table ip minidocker_mdk7",
        "removed table netdev minidocker_0123456789ab",
    ]
    for device in ("mdk1", "mdv0123456789ac"):
        realm.run("ip", "link", "del", device)
    for table in ("minidocker_mdk1", "minidocker_0123456789ac"):
        realm.run("nft", "delete", "table", "ip", table)
    assert realm.state() == before


def test_two_stores_in_one_network(realm: Realm, tmp_path: Path, command: list[str]) -> None:
    realm.serve("web", "--network", "bridge")
    other = tmp_path / "other"
    shutil.copytree(realm.store, other, symlinks=True,
                    ignore=shutil.ignore_patterns("containers", "networks"))  # fmt: skip
    mine, realm.store = realm.store, other
    out = realm.mini("run", "--rm", "--network", "bridge", "base", "ip", "-4", "-o", "addr")
    assert "10.77.1.2/24" in out
    realm.mini("prune")
    realm.store = mine
    assert realm.ask("10.77.0.2", 80) == "web 10.77.0.1"
    assert realm.state()["forward"] == "1\n"


def test_foreign_rules_are_left_alone_and_a_drop_policy_is_told(realm: Realm) -> None:
    foreign = ("table ip filter { chain FORWARD { type filter hook forward priority 0; policy drop; };"
               " chain mine { counter; }; }")  # fmt: skip
    realm.run("nft", foreign)
    before = realm.state()
    out = realm.mini("run", "--rm", "--network", "bridge", "base", "true", check=False)
    assert "the chain ip filter FORWARD of this host drops what is forwarded" in out
    assert realm.state() == before


def test_a_neighbour_cannot_be_spoofed(realm: Realm) -> None:
    """Without the stage capabilities a container may send what it likes: none of it arrives."""
    web = realm.serve("web", "--network", "bridge")
    bad = realm.serve("bad", "--network", "bridge")
    realm.run("sh", "-c", "ip addr add 10.77.0.77/24 dev eth0", pid=bad["pid"])
    ping = ("ping", "-c", "1", "-W", "1", "-I", "10.77.0.77", "10.77.0.2")
    before = guard(realm, bad)
    if shutil.which("ping"):
        realm.run(*ping, pid=bad["pid"], check=False)
    else:
        realm.run("busybox", *ping, pid=bad["pid"], check=False)
    assert guard(realm, bad) > before
    table = realm.run("ip", "neigh", pid=web["pid"])
    assert "10.77.0.77" not in table


def guard(realm: Realm, record: dict) -> int:
    """How many packets the guard at a container's cable has dropped."""
    text = realm.run("nft", "list", "table", "netdev", f"minidocker_{record['id']}")
    return sum(int(part.split()[0]) for part in text.split("counter packets ")[1:])


def test_a_container_with_ids_of_its_own(realm: Realm) -> None:
    """--userns private: the network belongs to ids that nobody has, and it works all the same."""
    page = ("echo here > /index.html; httpd -h /; until grep -q late /etc/hosts; do sleep 0.1; done; "
            "echo seen > /index.html; sleep 100")  # fmt: skip
    realm.start("run", "--rm", "--userns", "private", "--name", "web", "-p", "8080:80", "base", "sh",
                "-c", page)  # fmt: skip
    pid = realm.record("web")["pid"]
    assert Path(f"/proc/{pid}/uid_map").read_text().split()[1] != "0"
    get = "busybox wget -q -O - http://127.0.0.1:8080/ 2>&1 || true"
    wait_for(lambda: realm.run("sh", "-c", get) == "here\n")
    ask = ("ls -ln /etc/hosts; ping -c 1 -W 2 10.77.0.1; "
           "until wget -q -O - http://web/ | grep seen; do sleep 0.1; done")  # fmt: skip
    late = ("run", "--rm", "--userns", "private", "--network", "bridge", "--name", "late", "base")
    out = realm.mini(*late, "sh", "-c", ask)
    assert out.split()[2:4] == ["0", "0"]  # its /etc/hosts is its own root's
    assert "1 packets received" in out and out.endswith("seen\n")


def test_explain_and_dry_run_show_the_lines(realm: Realm) -> None:
    words = ("--rm", "--network", "bridge", "-p", "8080:80", "base", "true")
    told = realm.mini("run", "--explain", *words, check=False)
    before = realm.state()
    dry = realm.mini("run", "--dry-run", *words, check=False)
    assert realm.state() == before
    for text in (told, dry):
        assert "link add mdk0 address 02:42:" in text
        assert "master mdk0 up type veth peer name eth0" in text
        assert "dnat to 10.77.0.2:80" in text
        assert "ip route add default via 10.77.0.1" in text
        assert "link del mdk0" in text


# --- the verbs of `network`, which need no bridge that stands ---------------------------------


@pytest.fixture
def verbs(tmp_path: Path, command: list[str]) -> Callable[..., subprocess.CompletedProcess]:
    """Run `minidocker network …` in a store of its own; the exit status is looked at."""

    def run(*words: str, status: int = 0) -> subprocess.CompletedProcess:
        done = subprocess.run(
            [*command, "network", *words], text=True, capture_output=True, timeout=60,
            env={**os.environ, "MINIDOCKER_ROOT": str(tmp_path / "store")}, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == status, done
        return done

    return run


def test_networks_of_a_label_or_a_name(verbs: Callable) -> None:
    verbs("create", "shop", "--label", "a=b", "--label=c", "-d", "bridge", "--subnet", "10.198.1.0/24",
          "--gateway", "10.198.1.1")  # fmt: skip
    verbs("create", "shed", "--label", "a=x", "--subnet", "10.198.2.0/24")

    def listed(*words: str) -> str:
        return " ".join(verbs("list", "-q", *words).stdout.split())

    assert listed() == "bridge host none shed shop" and listed("-f", "type=custom") == "shed shop"
    assert listed("-f", "label=a") == "shed shop" and listed("--filter", "label=a=b") == "shop"
    assert listed("-f", "name=sho", "-f", "name=^b") == "bridge shop" and listed("-f", "driver=null") == "none"
    assert listed("-f", "dangling=true", "-f", "scope=local") == "shed shop"
    assert "invalid filter 'x'" in verbs("ls", "-f", "x=1", status=1).stderr
    assert verbs("inspect", "-f", "{{json .Labels}}", "shop").stdout == '{"a":"b","c":""}\n'
    assert verbs("ls", "--no-trunc", "-f", "label=c", "--format", '{{.Name}} {{.Label "a"}}').stdout == "shop b\n"
    assert verbs("prune", "--filter", "until=1h").stdout == ""
    assert verbs("prune", "-f", "--filter", "label!=c").stdout == "Deleted Networks:\nshed\n\n"
    assert verbs("prune").stdout == "Deleted Networks:\nshop\n\n" and verbs("prune").stdout == ""


def test_networks_that_cannot_go_or_come(verbs: Callable) -> None:
    verbs("create", "shop", "--subnet", "10.198.1.0/24")
    verbs("create", "shed", "--subnet", "10.198.2.0/24")
    done = verbs("remove", "gone", "shop", "bridge", "shed", status=1)
    assert done.stdout == "shop\nshed\n" and "network gone not found" in done.stderr
    assert "bridge is a pre-defined network and cannot be removed" in done.stderr
    assert "not found" in verbs("rm", "-f", "gone").stderr
    assert "not permitted on predefined none network" in verbs("create", "none", status=1).stderr
    verbs("create", "shop", "--subnet", "10.198.1.0/24")
    assert "network with name shop already exists" in verbs("create", "shop", status=1).stderr
    taken = verbs("create", "two", "--subnet", "10.198.0.0/16", status=1).stderr
    assert "Pool overlaps with other one on this address space" in taken


@pytest.mark.parametrize("words", [
    ["--driver", "overlay"], ["--opt", "a=b"], ["--ip-range", "10.198.3.0/25"], ["--internal"], ["--ipv6"],
    ["--attachable"], ["--scope", "swarm"], ["--gateway", "10.198.3.9", "--subnet", "10.198.3.0/24"],
])  # fmt: skip
def test_what_our_networks_have_not_is_refused_by_name(verbs: Callable, words: list[str]) -> None:
    by_value = words[0] in ("--driver", "--gateway")  # which are options, and have no such value
    done = verbs("create", *words, "shop", status=1 if by_value else 125)
    assert f"minidocker: {' '.join(words[:2])} is refused: " in done.stderr
    assert verbs("ls", "-q").stdout == "bridge\nhost\nnone\n"


@pytest.mark.parametrize(("words", "said"), [
    (["connect", "shop", "box"], "No such container: box"),
    (["connect", "--driver-opt", "a=b", "shop", "box"], "No such container: box"),
    (["disconnect", "shop"], "the following arguments are required: CONTAINER"),
])  # fmt: skip
def test_what_cannot_be_connected(verbs: Callable, words: list[str], said: str) -> None:
    assert said in verbs(*words, status=1).stderr


def addresses_of(realm: Realm, name: str) -> dict[str, str]:
    """Return {device: address} of a container, without loopback."""
    lines = realm.mini("exec", name, "ip", "-4", "-o", "addr").splitlines()
    return {words[1]: words[3] for words in map(str.split, lines) if words[1] != "lo"}


def test_one_more_network_and_one_less(realm: Realm) -> None:
    """A cable comes and goes while the container runs, with names; the next start has the same."""
    before = realm.state()
    for name in ("shop", "back"):
        realm.mini("network", "create", name)
    realm.mini("run", "-d", "--name", "db", "--network", "shop", "base", "sleep", "300")
    realm.mini("run", "-d", "--name", "web", "--network", "back", "base", "sleep", "300")
    realm.mini("network", "connect", "--alias", "front", "--ip", "10.77.0.77", "shop", "web")
    assert addresses_of(realm, "web") == {"eth0": "10.77.1.2/24", "eth1": "10.77.0.77/24"}
    assert "1 packets received" in realm.mini("exec", "db", "ping", "-c", "1", "-W", "2", "front")
    assert "1 packets received" in realm.mini("exec", "web", "ping", "-c", "1", "-W", "2", "db")
    assert realm.mini("ps", "-f", "network=shop", "--format", "{{.Names}} {{.Networks}}") \
        == "web back,shop\ndb shop\n"  # fmt: skip
    said = realm.mini("network", "connect", "shop", "web", check=False)
    assert "endpoint with name web already exists in network shop" in said
    rules = realm.run("nft", "list", "ruleset")
    id = realm.record("web")["id"]
    assert f"minidocker_{id}_1 " in rules and f'"md1{id}"' in rules  # its guard

    realm.mini("network", "disconnect", "back", "web")  # the way out is another one now
    assert addresses_of(realm, "web") == {"eth1": "10.77.0.77/24"}
    assert "default via 10.77.0.1 dev eth1" in realm.mini("exec", "web", "ip", "route")
    assert "has active endpoints" in realm.mini("network", "rm", "shop", check=False)
    realm.mini("network", "rm", "back")
    realm.mini("rename", "web", "face")
    assert f"10.77.0.77\t{id} face front" in realm.mini("exec", "db", "cat", "/etc/hosts")

    realm.mini("restart", "-t", "0", "face")  # what is left is its first one now
    assert addresses_of(realm, "face") == {"eth0": "10.77.0.77/24"}
    realm.mini("network", "disconnect", "shop", "face")
    assert addresses_of(realm, "face") == {}
    assert "is not connected to network shop" in realm.mini(
        "network", "disconnect", "shop", "face", check=False
    )
    realm.mini("network", "connect", "shop", "face")
    os.kill(realm.record("face")["pid"], signal.SIGKILL)
    realm.mini("rm", "-f", "face", "db")
    realm.mini("network", "rm", "shop")
    assert realm.state() == before


def test_two_networks_from_the_start(realm: Realm) -> None:
    before = realm.state()
    realm.mini("network", "create", "shop")
    out = realm.mini("run", "--rm", "--network", "shop", "--network", "name=bridge,ip=10.77.1.9",
                     "base", "sh", "-c", "ip -4 -o addr; ip route; cat /etc/hosts")  # fmt: skip
    assert "eth0    inet 10.77.0.2/24" in out and "eth1    inet 10.77.1.9/24" in out
    assert out.count("default") == 1 and "default via 10.77.0.1 dev eth0" in out
    assert "10.77.0.2\t" in out and "10.77.1.9\t" in out
    realm.mini("create", "--name", "box", "base", "ip", "-4", "-o", "addr")
    realm.mini("network", "connect", "shop", "box")
    assert "eth1    inet 10.77.0.2/24" in realm.mini("start", "-a", "box")
    realm.mini("rm", "box")
    realm.mini("network", "rm", "shop")
    assert realm.state() == before


def test_while_others_stay_the_next_removes_what_one_has_left(realm: Realm) -> None:
    """Rules of a published port go at once; a guard may wait, and is never one of the living."""
    realm.start("run", "--rm", "--name", "first", "base", "sleep", "300")
    first = realm.record("first")["id"]
    realm.mini("run", "--rm", "base", "true")
    realm.mini("run", "--rm", "-p", "8080:80", "base", "true")
    tables = realm.run("nft", "list", "tables")
    assert tables.count("table ip ") == 1, tables  # the network's own
    for _ in range(3):
        realm.mini("run", "--rm", "base", "true")
        tables = realm.run("nft", "list", "tables")
        assert 1 <= tables.count("table netdev ") <= 2 and first in tables, tables
        hosts = (realm.store / "containers" / first / "hosts").read_text()
        assert hosts.count("10.77.") == 1, hosts  # nobody else is a neighbour any more
    realm.mini("network", "prune", "-f")
    tables = realm.run("nft", "list", "tables")
    assert tables.count("table netdev ") == 1 and first in tables, tables
