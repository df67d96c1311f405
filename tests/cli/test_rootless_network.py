"""An ordinary user's container with a network and published ports, for real.

The scene is a machine in small: a network and a mount namespace, a cable to another machine, and
a /dev/net/tun that everybody may open, as on every Debian. Nothing of it is seen outside.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_network import ASK, SERVER, wait_for
from test_rootless import UID, Account, with_base

from minidocker.proc import living

REPOSITORY = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.needs(
    "root", "userns", "netns", "pidns", "mntns", "overlay", "veth", "iproute2", "busybox"
)

# Frames, written by hand, for every address by which the host's loopback might be meant; then
# datagrams from a socket that is bound to eth0, for which nobody needs any right.
FRAMES = """
import socket, struct, sys, time
ask = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
ask.sendto(b"who are you", ("10.0.2.2", 9))
for _ in range(100):
    table = [line.split() for line in open("/proc/net/arp")]
    found = [words[3] for words in table if words[0] == "10.0.2.2" and words[2] == "0x2"]
    if found:
        break
    time.sleep(0.05)
router = bytes.fromhex(found[0].replace(":", ""))

def checksum(data):
    total = sum(struct.unpack("!10H", data))
    total = (total >> 16) + (total & 0xffff)
    return ~(total + (total >> 16)) & 0xffff

raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
raw.bind(("eth0", 0x800))

def send(address, number, place, data):
    parts = [0x45, 0, 20 + len(data), number, place, 64, 17, 0]
    parts += [socket.inet_aton("10.0.2.100"), socket.inet_aton(address)]
    form = "!BBHHHBBH4s4s"
    parts[7] = checksum(struct.pack(form, *parts))
    raw.send(router + raw.getsockname()[4] + bytes([8, 0]) + struct.pack(form, *parts) + data)

for number, address in enumerate(sys.argv[2:]):
    for whole in (True, False):
        text = (address if whole else "parts for " + address).encode()
        udp = struct.pack("!4H", 5555, int(sys.argv[1]), 8 + len(text), 0) + text
        if whole:
            send(address, 2 * number, 0, udp)
        else:  # two fragments
            send(address, 2 * number + 1, 0x2000, udp[:8])
            send(address, 2 * number + 1, 1, udp[8:])
bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
bound.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
for address in ("127.0.0.1", "127.0.0.9"):
    bound.sendto(b"bound for " + address.encode(), (address, int(sys.argv[1])))
"""
LISTEN = """
import socket, sys
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
one.bind(("0.0.0.0", int(sys.argv[1])))
while True:
    print(one.recv(100).decode(), flush=True)
"""


class Machine:
    """A machine in small, with an ordinary user and another machine at the end of a cable."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.begun: list[subprocess.Popen] = []
        home = account.home
        script = (
            f"set -e; mount --bind {home}/passwd /etc/passwd; "
            f"for f in /etc/subuid /etc/subgid; do [ ! -e $f ] || mount --bind {home}/ranges $f; done; "
            f"mount -t tmpfs dev {home}/dev; mknod {home}/dev/tun c 10 200; chmod 666 {home}/dev/tun; "
            f"mount --bind {home}/dev/tun /dev/net/tun; "
            f"echo nameserver 192.0.2.2 > {home}/resolv; "
            f"[ ! -e /etc/resolv.conf ] || mount --bind {home}/resolv /etc/resolv.conf; "
            "ip link set lo up; echo up; exec sleep 1000"
        )
        self.holder = self.begin(
            ["unshare", "--net", "--mount", "--propagation", "private", "sh", "-c", script]
        )
        assert self.holder.stdout and self.holder.stdout.readline() == "up\n"
        other = self.begin(["unshare", "--net", "sh", "-c", "ip link set lo up; echo up; exec sleep 1000"])
        assert other.stdout and other.stdout.readline() == "up\n"
        self.other = other.pid
        self.root("ip", "link", "add", "wan", "type", "veth", "peer", "name", "eth0", "netns", str(other.pid))
        self.root("sh", "-c", "ip addr add 192.0.2.1/24 dev wan; ip link set wan up")
        self.root("sh", "-c", "ip addr add 192.0.2.2/24 dev eth0; ip link set eth0 up", pid=other.pid)

    def begin(self, argv: list[str]) -> subprocess.Popen:
        """Start a process in the background, in a session of its own; `close` ends it."""
        one = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, start_new_session=True, cwd="/",
        )  # fmt: skip
        self.begun.append(one)
        return one

    def argv(self, *words: str, pid: int = 0) -> list[str]:
        """The command line by which root runs `words` here, or in the network of process `pid`."""
        spaces = ["--net"] if pid else ["--net", "--mount"]
        return ["nsenter", f"--target={pid or self.holder.pid}", *spaces, "--wd=/", *words]

    def root(self, *words: str, pid: int = 0) -> str:
        done = subprocess.run(self.argv(*words, pid=pid), capture_output=True, text=True, timeout=60)
        return (done.stdout + done.stderr).strip()

    def user(self, *words: str) -> list[str]:
        """The command line by which the user runs `words` here."""
        become = ["setpriv", "--reuid", str(UID), "--regid", str(UID), "--clear-groups", "env", "-i",
                  f"HOME={self.account.home}", "PATH=/usr/bin:/bin:/usr/sbin:/sbin",
                  f"PYTHONPATH={REPOSITORY}"]  # fmt: skip
        return self.argv(*become, *words)

    def mini(self, *words: str) -> list[str]:
        return self.user(sys.executable, "-B", "-m", "minidocker", *words)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.mini(*words), capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
        )

    def record(self, name: str) -> dict:
        """Wait until a container runs; its record."""
        path = self.account.store / "containers" / "names" / name / "record.json"

        def running() -> bool:
            with contextlib.suppress(OSError, ValueError):
                return json.loads(path.read_text())["status"] == "running"
            return False

        wait_for(running)
        return json.loads(path.read_text())

    def serve(self, name: str, *options: str, port: int = 80, kind: str = "tcp") -> dict:
        """Start a container that answers with its name; its record once it listens."""
        self.begin(self.mini("run", "--rm", "--name", name, *options, "--stages", "user,pid,uts,network",
                             sys.executable, "-I", "-c", SERVER, str(port), name, kind))  # fmt: skip
        record = self.record(name)
        self.await_port(port, kind, record["pid"])
        return record

    def await_port(self, port: int, kind: str, pid: int) -> None:
        wait_for(lambda: f":{port:04X} " in Path(f"/proc/{pid}/net/{kind}").read_text())

    def ask(self, address: str, port: int, kind: str = "tcp", pid: int = 0) -> str:
        """Connect from here, or from process `pid`'s network: what the server said."""
        return self.root(sys.executable, "-I", "-c", ASK, address, str(port), kind, pid=pid)

    def programs(self) -> list[int]:
        """The pids of every slirp4netns of this machine, zombies left out."""
        ours, found = os.stat(f"/proc/{self.holder.pid}/ns/net").st_ino, []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if (
                    entry.name.isdigit()
                    and (entry / "cmdline").read_bytes().startswith(b"slirp4netns\0")
                    and os.stat(entry / "ns/net").st_ino == ours
                ):
                    found.append(int(entry.name))
        return found

    def containers(self) -> list[str]:
        return [p.name for p in (self.account.store / "containers").glob("[0-9a-f]*")]

    def close(self) -> None:
        for one in reversed(self.begun):
            if one.poll() is None:
                one.send_signal(signal.SIGKILL)
            one.wait()
            assert one.stdout
            one.stdout.close()


@pytest.fixture(scope="module", params=["subordinate ids", "one id"])
def account(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Account:
    """The user, with the base image."""
    if not shutil.which("slirp4netns"):
        pytest.skip("blocked: no slirp4netns (apt-get install slirp4netns)")
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except OSError as problem:
        pytest.skip(f"blocked: {problem} (modprobe tun)")
    home = tmp_path_factory.mktemp("home")
    (home / "dev").mkdir()
    return with_base(home, request.param == "subordinate ids")


@pytest.fixture
def machine(account: Account) -> Iterator[Machine]:
    """A machine in small; when a test has ended, no process and no container is left there."""
    made = Machine(account)
    try:
        yield made
        for one in made.begun[2:]:
            one.kill()
            one.wait()
        wait_for(lambda: not made.programs())
        account("prune")
        wait_for(lambda: not made.containers())
    finally:
        made.close()


def test_an_address_a_route_a_name_and_a_resolver(machine: Machine) -> None:
    script = "ip -4 -o addr show eth0; ip route; cat /etc/hosts /etc/resolv.conf; ping -c 1 -W 2 10.0.2.2"
    done = machine.run("run", "--rm", "--name", "web", "--network", "bridge", "base", "sh", "-c", script)
    assert done.returncode == 0, done.stderr
    assert "10.0.2.100/24" in done.stdout and "default via 10.0.2.2 dev eth0" in done.stdout
    assert "nameserver 10.0.2.3\n" in done.stdout and "192.0.2.2" not in done.stdout
    hosts = next(line for line in done.stdout.splitlines() if line.startswith("10.0.2.100\t"))
    assert "web" in hosts.split()
    assert "1 packets received" in done.stdout


def test_it_lives_on_when_one_keeper_is_killed(machine: Machine) -> None:
    done = machine.run("run", "-d", "--name", "web", "--network", "bridge", "base", "sleep", "60")
    assert done.returncode == 0, done.stderr
    keeper, standby = (int(machine.record("web")[role].split()[0]) for role in ("keeper", "standby"))
    (program,) = machine.programs()
    os.kill(keeper, signal.SIGKILL)
    wait_for(lambda: not living.mark(keeper))
    ping = machine.run("exec", "web", "ping", "-c", "1", "-W", "2", "10.0.2.2")
    assert "1 packets received" in ping.stdout, ping
    assert machine.programs() == [program]
    os.kill(standby, signal.SIGKILL)
    wait_for(lambda: not machine.programs())  # it ends with the last of them
    assert machine.run("rm", "-f", "web").returncode == 0


def test_none_starts_no_program(machine: Machine) -> None:
    done = machine.run("run", "--rm", "--explain", "--network", "none", "base", "ls", "/sys/class/net")
    assert done.stdout.split() == ["lo"]
    assert "slirp4netns" not in done.stderr


def test_a_network_is_the_default(machine: Machine) -> None:
    done = machine.run("run", "--rm", "--mac-address", "02:42:ac:11:00:02", "--add-host",
                       "me:host-gateway", "base", "sh", "-c",
                       "ip -4 -o addr show eth0; cat /etc/hosts /sys/class/net/eth0/address")  # fmt: skip
    assert "10.0.2.100/24" in done.stdout and done.stderr == "", done.stderr
    assert done.stdout.endswith("02:42:ac:11:00:02\n")


def test_this_host_by_its_name(machine: Machine) -> None:
    """host-gateway is an address of the host's that a container may reach: not its loopback."""
    machine.root("sh", "-c", "ip route add default via 192.0.2.2")
    machine.begin(machine.argv(sys.executable, "-I", "-c", SERVER, "9000", "host", "tcp"))
    machine.await_port(9000, "tcp", machine.holder.pid)
    done = machine.run("run", "--rm", "--add-host", "host.docker.internal:host-gateway", "base", "nc",
                       "host.docker.internal", "9000")  # fmt: skip
    assert done.stdout.split()[:1] == ["host"], done.stderr


def test_any_port(machine: Machine) -> None:
    page = "nc -ll -p 80 -e echo here"
    machine.begin(machine.mini("run", "--rm", "--name", "web", "-P", "--expose", "80", "base", "sh", "-c", page))
    machine.record("web")
    line = machine.run("port", "web").stdout
    assert line.startswith("80/tcp -> 0.0.0.0:")
    get = ("busybox", "nc", "-w", "2", "127.0.0.1", line.strip().rpartition(":")[2])
    wait_for(lambda: machine.root(*get) == "here")


def test_a_published_port_and_the_world(machine: Machine) -> None:
    """The whole container: a web server in it, asked from the host and from another machine."""
    page = "mkdir /www; echo token-4711 > /www/index.html; exec httpd -f -h /www"
    machine.begin(machine.mini("run", "--rm", "--name", "web", "-p", "8080:80", "base", "sh", "-c", page))
    pid = machine.record("web")["pid"]
    machine.await_port(80, "tcp6", pid)
    for address, where in (("127.0.0.1", 0), ("192.0.2.1", 0), ("192.0.2.1", machine.other)):
        get = ("busybox", "wget", "-q", "-O", "-", f"http://{address}:8080/")
        assert machine.root(*get, pid=where) == "token-4711"
    # and out: what the other machine sees is the host's address
    machine.begin(machine.argv(sys.executable, "-I", "-c", SERVER, "9000", "far", "tcp", pid=machine.other))
    machine.await_port(9000, "tcp", machine.other)
    done = machine.run("run", "--rm", "--network", "bridge", "base", "nc", "192.0.2.2", "9000")
    assert done.stdout == "far 192.0.2.1", done.stderr


def test_udp_and_one_address_of_the_host(machine: Machine) -> None:
    machine.serve("dns", "-p", "127.0.0.1:5353:53/udp", port=53, kind="udp")
    assert machine.ask("127.0.0.1", 5353, "udp") == "dns 10.0.2.2"
    assert "timed out" in machine.ask("192.0.2.1", 5353, "udp")


def test_udp_on_every_address(machine: Machine) -> None:
    machine.serve("dns", "-p", "5353:53/udp", port=53, kind="udp")
    assert machine.ask("127.0.0.1", 5353, "udp") == "dns 10.0.2.2"
    assert machine.ask("192.0.2.1", 5353, "udp").startswith("dns ")
    assert machine.ask("192.0.2.1", 5353, "udp", pid=machine.other) == "dns 192.0.2.2"


def test_a_range_of_ports(machine: Machine) -> None:
    machine.serve("web", "-p", "8000-8002:80-82", port=82)
    assert machine.ask("127.0.0.1", 8002) == "web 10.0.2.2"


@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_a_taken_port_is_one_sentence_and_leaves_nothing(machine: Machine, kind: str) -> None:
    machine.serve("web", "-p", f"8080:80/{kind}", kind=kind)
    before = machine.programs(), machine.containers()
    done = machine.run("run", "--rm", "-p", f"8080:80/{kind}", "base", "true")
    assert done.returncode == 125
    assert done.stderr.splitlines()[0] == f"minidocker: port 8080/{kind} of this host is taken"
    assert "container web has it" in done.stderr and "port is already allocated" in done.stderr
    assert (machine.programs(), machine.containers()) == before
    assert machine.ask("127.0.0.1", 8080, kind) == "web 10.0.2.2"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-p", "80:80"], "port 80/tcp: an ordinary user has the ports from 1024 on"),
        (["-p", "192.0.2.9:8080:80"], "192.0.2.9 is no address of this host"),
        (["--network", "nowhere"], "there is no network nowhere"),
        (["--network", "bridge", "--ip", "10.77.0.9"], "--ip 10.77.0.9: an ordinary user's container"),
        (["--network", "bridge", "--network-alias", "db"], "--network-alias: an ordinary user's"),
    ],
)
def test_refusals(machine: Machine, words: list[str], said: str) -> None:
    done = machine.run("run", "--rm", *words, "base", "true")
    assert done.returncode == 125 and said in done.stderr.splitlines()[0], done.stderr
    assert "Traceback" not in done.stderr
    assert (machine.programs(), machine.containers()) == ([], [])


@pytest.mark.parametrize("server", ["192.0.2.2", "127.0.0.53"])
def test_names_are_asked_where_the_host_asks(machine: Machine, server: str) -> None:
    """Also when that is a program on the host's loopback, such as systemd-resolved."""
    if not os.path.exists("/etc/resolv.conf"):
        pytest.skip("blocked: this machine asks nobody for names (/etc/resolv.conf)")
    machine.root("sh", "-c", f"echo nameserver {server} > /etc/resolv.conf")
    where = machine.other if server == "192.0.2.2" else 0
    machine.begin(machine.argv(sys.executable, "-I", "-c", SERVER, "53", "names", "udp", pid=where))
    machine.await_port(53, "udp", where or machine.holder.pid)
    web = machine.serve("web", "--network", "bridge")
    assert machine.ask("10.0.2.3", 53, "udp", pid=web["pid"]).startswith("names ")


HTTPD = "mkdir /w && hostname > /w/index.html && exec httpd -f -p %s -h /w"


def test_containers_of_a_network_find_each_other_by_name(machine: Machine) -> None:
    """On networks that the user has made; the way out and published ports stay as they are."""
    assert machine.run("network", "create", "shop", "--subnet", "10.99.0.0/24").stdout == "shop\n"
    assert machine.run("network", "create", "other").returncode == 0

    def begin(name: str, network: str, *options: str) -> None:
        words = ("--name", name, "-h", name, "--network", network, *options, "base", "sh", "-c")
        done = machine.run("run", "-d", *words, HTTPD % 80)
        assert done.returncode == 0, done.stderr

    begin("web", "shop", "--network-alias", "www", "-p", "8080:80")
    begin("far", "other")
    pid = machine.record("web")["pid"]
    wait_for(lambda: ":0050 " in Path(f"/proc/{pid}/net/tcp6").read_text())
    look = "wget -qO- http://web http://www http://10.99.0.2; ip -4 -o addr; grep 10.99 /etc/hosts; ping -c 1 -W 3 10.0.2.2"
    done = machine.run("run", "--rm", "--name", "asks", "--network", "shop", "--ip", "10.99.0.9", "base", "sh", "-c", look)
    assert done.stdout.startswith("web\nweb\nweb\n"), done
    assert "10.99.0.9/24" in done.stdout and "1 packets received" in done.stdout
    assert [line.split()[0] for line in done.stdout.splitlines() if line.startswith("10.99")] == ["10.99.0.2", "10.99.0.9"]
    page = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8080', timeout=9).read())"
    assert machine.root(sys.executable, "-I", "-c", page) == "b'web\\n'"
    for words in (["web"], ["10.99.0.2"]):  # nobody of another network has a way to it
        done = machine.run("exec", "far", "wget", "-T", "2", "-qO-", f"http://{words[0]}")
        assert done.returncode and not done.stdout, done
    told = json.loads(machine.run("network", "inspect", "shop").stdout)[0]
    assert [one["Name"] for one in told["Containers"].values()] == ["web"]
    taken = machine.run("network", "rm", "shop")
    assert taken.returncode == 1 and "has active endpoints" in taken.stderr
    sockets = machine.account.store / "networks/shop/cable"
    assert [path.name for path in sockets.iterdir()] == ["024d0a630002"]
    assert machine.run("rm", "-f", "web", "far").returncode == 0
    assert not list(sockets.iterdir())
    assert machine.run("network", "rm", "shop", "other").stdout == "shop\nother\n"


def test_what_a_kill_leaves_of_a_member_is_removed_by_the_next(machine: Machine) -> None:
    machine.run("network", "create", "shop")
    words = ("--rm", "--name", "dead", "--network", "shop", "base", "sleep", "60")
    killed = machine.begin(machine.mini("run", *words))
    inside = machine.record("dead")["pid"]
    cables = cables_of(machine)
    assert len(cables) == 2
    for pid in ancestors(inside, killed.pid):
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not cables_of(machine))
    done = machine.run("run", "--rm", "--network", "shop", "base", "cat", "/etc/hosts")
    assert done.returncode == 0 and "dead" not in done.stdout
    assert machine.run("prune").returncode == 0
    assert not list((machine.account.store / "networks/shop/cable").iterdir())
    assert machine.run("network", "rm", "shop").stdout == "shop\n"


def cables_of(machine: Machine) -> list[int]:
    """The pids of those who hold a tap device and are no slirp4netns."""
    ours, found = os.stat(f"/proc/{machine.holder.pid}/ns/net").st_ino, []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and os.stat(entry / "ns/net").st_ino == ours:
                held = {os.readlink(fd) for fd in (entry / "fd").iterdir()}
                if "/dev/net/tun" in held and int(entry.name) not in machine.programs():
                    found.append(int(entry.name))
    return found


def ancestors(pid: int, last: int) -> list[int]:
    """The processes above `pid`, up to below `last`: those of minidocker."""
    found = []
    while (pid := int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])) > 1:
        found.append(pid)
        if pid == last:
            break
    return found


class Listener:
    """Servers of the machine for whoever reaches its loopback: UDP and TCP, port 7000."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.udp = machine.begin(machine.argv(sys.executable, "-I", "-c", LISTEN, "7000"))
        machine.begin(machine.argv(sys.executable, "-I", "-c", SERVER, "7000", "secret", "tcp"))
        for kind in ("udp", "tcp"):
            machine.await_port(7000, kind, machine.holder.pid)

    def frames(self, *enter: str) -> set[str]:
        """Send frames and datagrams from a container: what the server heard."""
        addresses = ("127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.2.2", "10.0.2.3", "255.255.255.255")
        done = subprocess.run(
            [*enter, sys.executable, "-I", "-c", FRAMES, "7000", *addresses],
            capture_output=True, text=True, timeout=60, cwd="/",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return self.heard()

    def heard(self) -> set[str]:
        """What came until now; a word of our own tells the end."""
        time.sleep(0.5)
        say = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'end', ('127.0.0.1', 7000))"
        self.machine.root(sys.executable, "-I", "-c", say)
        assert self.udp.stdout
        return set(iter(lambda: self.udp.stdout.readline().strip(), "end"))


def test_loopback_of_the_host_is_reached_without_our_filter(machine: Machine) -> None:
    """What the next test shows to be closed is open with slirp4netns's own options alone."""
    listener = Listener(machine)
    alone = machine.begin(machine.user("unshare", "--user", "--map-root-user", "--net", "sh", "-c",
                                       "echo $$; exec sleep 1000"))  # fmt: skip
    assert alone.stdout
    pid = alone.stdout.readline().strip()
    program = machine.begin(machine.user(
        "slirp4netns", "--configure", "--disable-host-loopback", "--enable-sandbox",
        "--enable-seccomp", "--ready-fd=1", pid, "eth0",
    ))  # fmt: skip
    wait_for(lambda: "eth0" in Path(f"/proc/{pid}/net/route").read_text())
    heard = listener.frames("nsenter", f"--target={pid}", "--net")
    assert {"127.0.0.1", "0.0.0.0", "parts for 127.0.0.1", "bound for 127.0.0.1"} <= heard
    program.kill()


@pytest.mark.parametrize("more", [[], ["-p", "5555:5555/udp"]])
def test_loopback_of_the_host_stays_out_of_reach(machine: Machine, more: list[str]) -> None:
    """By its other name, by a route, and by frames written by hand, with every right in the network.

    `more`: a published UDP port may answer callers on the loopback, and the frames come from it.
    """
    listener = Listener(machine)
    assert machine.ask("127.0.0.1", 7000) == "secret 127.0.0.1"
    web = machine.serve("web", "-p", "8080:80", *more)
    pid = web["pid"]
    for address in ("10.0.2.2", "10.0.2.3"):
        assert "secret" not in machine.ask(address, 7000, pid=pid)
    assert listener.frames("nsenter", f"--target={pid}", "--net") == set()
    machine.root("sh", "-c", "echo 1 > /proc/sys/net/ipv4/conf/eth0/route_localnet; "
                 "ip route add 127.0.0.0/8 via 10.0.2.2 dev eth0 table 7; ip rule add pref 0 table 7; "
                 "ip rule del pref 0 lookup local; ip rule add pref 9 lookup local", pid=pid)  # fmt: skip
    assert "timed out" in machine.ask("127.0.0.1", 7000, pid=pid)
    assert machine.ask("127.0.0.1", 8080) == "web 10.0.2.2"  # and the rest still works


def test_a_container_without_any_right_does_not_reach_it_either(machine: Machine) -> None:
    """The real thing: another user in the container, no capability, a socket bound to eth0."""
    listener = Listener(machine)
    send = f"echo from-inside | nc -u -w 1 127.0.0.1 7000; exec {sys.executable} -I -c \"$1\""
    bound = ("import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
             "s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'eth0'); "
             "s.sendto(b'from-inside', ('127.0.0.1', 7000)); print('sent', open('/proc/self/status')"
             ".read().split('CapEff:')[1].split()[0])")  # fmt: skip
    done = machine.run("run", "--rm", "--network", "bridge", "--cap-drop", "ALL", "--stages",
                       "user,pid,uts,network,capabilities", "sh", "-c", send, "sh", bound)  # fmt: skip
    assert done.stdout.split() == ["sent", "0" * 16], done.stderr
    assert listener.heard() == set()


def test_explain_shows_the_very_command_line(machine: Machine) -> None:
    told = machine.account.home / "told"
    machine.begin(machine.user("sh", "-c", f"exec {sys.executable} -B -m minidocker run --rm --explain "
                               f"-p 8080:80 --name web base sleep 1000 2> {told}"))  # fmt: skip
    machine.record("web")
    wait_for(lambda: "execve" in told.read_text())
    [pid] = machine.programs()
    words = Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").split("\0")
    assert f"fork+execve({' '.join(words)})" in told.read_text()
    assert f"setpriv --pdeathsig KILL {' '.join(words)})" in told.read_text()
    assert not list((machine.account.store / "containers").glob("*/*.sock"))
    assert "TUNATTACHFILTER" in told.read_text() and "add_hostfwd" in told.read_text()
    assert Path(f"/proc/{pid}/status").read_text().split("Uid:")[1].split()[0] == str(UID)


def test_a_dry_run_tells_it_and_starts_nothing(machine: Machine) -> None:
    done = machine.run("run", "--dry-run", "-p", "8080:80", "base", "true")
    assert done.returncode == 0, done.stderr
    text = done.stdout + done.stderr
    assert "slirp4netns --configure" in text and '"host_port": 8080' in text
    assert "mdk0" not in text and "via 10.77" not in text


def test_it_ends_with_the_container_however_that_ends(machine: Machine) -> None:
    for words, status in ((["true"], 0), (["false"], 1), (["/no/such"], 127)):
        done = machine.run("run", "--rm", "-p", "8080:80", "base", *words)
        assert done.returncode == status, done.stderr
        assert (machine.programs(), machine.containers()) == ([], [])


def test_ctrl_c_is_for_the_command_and_not_for_the_network(machine: Machine) -> None:
    """A terminal sends SIGINT to the whole group; the container may have its own idea of it."""
    trap = "trap 'echo caught' INT; trap 'exit 3' TERM; echo up; while :; do sleep 0.1; done"
    one = machine.begin(machine.mini("run", "--rm", "-p", "8080:80", "base", "sh", "-c", trap))
    assert one.stdout and one.stdout.readline() == "up\n"
    before = machine.programs()
    os.killpg(one.pid, signal.SIGINT)
    assert one.stdout.readline() == "caught\n"
    assert machine.programs() == before and len(before) == 1
    os.killpg(one.pid, signal.SIGTERM)
    assert one.wait(30) == 3
    assert machine.programs() == []


def test_kill_9_of_the_runtime_leaves_no_program(machine: Machine) -> None:
    machine.begin(machine.mini("run", "--name", "dead", "-p", "8080:80", "base", "sleep", "1000"))
    pid = machine.record("dead")["pid"]
    assert len(machine.programs()) == 1
    owner = int(Path(f"/proc/{pid}/status").read_text().split("PPid:")[1].split()[0])
    os.kill(owner, signal.SIGKILL)
    wait_for(lambda: machine.programs() == [])
    done = machine.run("run", "--rm", "-p", "8080:80", "base", "true")  # the port is free again
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("starts", [24, pytest.param(120, marks=pytest.mark.more)])
def test_killed_at_any_step_nothing_stays(machine: Machine, starts: int) -> None:
    """Starts that are killed after a time that grows from nothing to a whole run."""
    for number in range(starts):
        one = subprocess.Popen(
            machine.mini("run", "--rm", "-p", "8080:80", "base", "true"), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(number * 0.3 / starts)
        one.kill()
        one.wait()
    wait_for(lambda: machine.programs() == [])
    done = machine.run("run", "--rm", "-p", "8080:80", "base", "true")
    assert done.returncode == 0, done.stderr


def test_several_at_once(machine: Machine) -> None:
    for number in range(4):
        machine.begin(machine.mini("run", "--rm", "-p", f"808{number}:80", "base", "sh", "-c",
                                   f"nc -ll -p 80 -e echo number-{number}"))  # fmt: skip
    for number in range(4):
        get = ("busybox", "nc", "-w", "2", "127.0.0.1", f"808{number}")
        wait_for(lambda get=get, number=number: machine.root(*get) == f"number-{number}")
    assert len(machine.programs()) == 4


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("chmod 600 /dev/net/tun", "slirp4netns does not start: "),
        ("umount /dev/net/tun; mount -t tmpfs none /dev/net", "needs /dev/net/tun, and there is none"),
    ],
)
def test_without_the_device_it_is_blocked(machine: Machine, change: str, said: str) -> None:
    machine.root("sh", "-c", change)
    done = machine.run("run", "--rm", "-p", "8080:80", "base", "true")
    assert done.returncode == 125 and said in done.stderr, done.stderr
    assert "leave --network and -p out" in done.stderr
    assert ("sudo chmod 666 /dev/net/tun" in done.stderr) == ("chmod" in change)
    assert ("sudo modprobe tun" in done.stderr) == ("umount" in change)
    done = machine.run("run", "--rm", "base", "true")  # nobody asked: it says so, and goes without
    assert done.returncode == 0 and "has no network but loopback" in done.stderr
