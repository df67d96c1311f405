"""A host to run strangers' bundles on: it lets an attack try everything, then looks at itself.

Each bundle is run by `minidocker oci run`, with the same attack in it. What came out is seen from
outside alone. It is a host for nobody else: a cell's, or a room's own (`laboratory`).
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator

from minidocker.errors import Blocked
from minidocker.escapes.python_text import LAUNCH
from minidocker.escapes.server import PACKAGE
from minidocker.escapes.strangers import DATA, SOCKETS, SYSTEM, Config
from minidocker.kernel import flags as f
from minidocker.kernel.linux import Linux
from minidocker.places import ROOM

PYTHON = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
SECONDS = 60.0
BLOCKED = 125  # as the command line says it
IN_A_ROOM = [sys.executable, "-m", "minidocker", "room"]
APART = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--net", "--ipc", "--uts"]

# What runs in every bundle: it tries everything, and nothing of what it says is believed.
ATTACK = """\
import ctypes, json, os, socket, sys
facts = json.loads(sys.argv[1])
mark, libc = facts["mark"], ctypes.CDLL(None)
def end_a_process():
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            if facts["bystander"].encode() in file.read().split(b"\\0"):
                os.kill(int(pid), 9)
def speak_to_a_service():
    socket.create_connection(("127.0.0.1", facts["port"]), 2).sendall(mark.encode())
def send_a_message():
    queues = libc if hasattr(libc, "mq_open") else ctypes.CDLL("librt.so.1")
    queue = queues.mq_open(facts["queue"].encode(), os.O_WRONLY | os.O_NONBLOCK)
    queues.mq_send(queue, mark.encode(), len(mark), 0)
def write_a_file(mount, path):
    libc.mount(None, mount.encode(), None, 4096 | 32, None)  # bind, remount: no longer read-only
    open(f"{path}/{mark}", "w").close()
def mount_something(path):
    os.mkdir(f"{path}/{mark}")
    libc.mount(b"none", f"{path}/{mark}".encode(), b"tmpfs", 0, None)
def ask_the_engine(path):
    with socket.socket(socket.AF_UNIX) as end:
        end.connect(path)
        end.sendall(mark.encode())
tries = [end_a_process, speak_to_a_service, send_a_message]
tries += [lambda: socket.sethostname(mark)]
tries += [lambda pair=pair: write_a_file(*pair) for pair in facts["files"]]
tries += [lambda path=path: mount_something(path) for _, path in facts["data"]]
tries += [lambda path=path: ask_the_engine(path) for path in facts["sockets"]]
for one in tries:
    try:
        one()
    except OSError:
        pass
print("tried everything", mark)
"""


class Host:
    """What stands outside of the container, in namespaces that are ours: something to harm."""

    def __init__(self, kernel: Linux, place: str) -> None:
        self.kernel, self.place = kernel, place
        self.queues = f"{place}/queues"  # POSIX message queues as files: mq_overview(7)
        self.bystander = f"1000.{secrets.randbelow(10**9)}"
        self.queue = f"jobs-{secrets.token_hex(3)}"
        self.listening: dict[str, socket.socket] = {}
        self.count = 0

    def build(self) -> Host:
        """Make the host: files, a name, sockets of an engine, a service, memory that is shared."""
        for path in (*SYSTEM, "/etc/cron.d", DATA, "/run/docker.sock.d", "/etcetera",
                     "/run/ns", *map(os.path.dirname, SOCKETS)):  # fmt: skip
            os.makedirs(path, exist_ok=True)
        for kind, name in (("pid", "pid"), ("network", "net"), ("ipc", "ipc"), ("uts", "uts")):
            os.close(os.open(f"/run/ns/{kind}", os.O_WRONLY | os.O_CREAT, 0o644))
            self.kernel.mount(f"/proc/self/ns/{name}", f"/run/ns/{kind}", "", f.MS_BIND)
        self.kernel.link_up("lo")
        service = socket.create_server(("127.0.0.1", 0))
        self.port = service.getsockname()[1]
        self.listening = {"network": service}
        for path in SOCKETS:
            self.listening[path] = end = socket.socket(socket.AF_UNIX)
            end.bind(path)
            end.listen()
        for end in self.listening.values():
            end.setblocking(False)
        os.makedirs(self.queues)
        self.kernel.mount("mqueue", self.queues, "mqueue")
        self.make_root(f"{self.place}/rootfs")
        return self

    def make_root(self, root: str) -> None:
        """Make a root directory for all bundles: programs and Python, shown read-only."""
        for name in ("etc", "proc", "dev", "tmp", "mnt", "srv", "usr"):
            os.makedirs(f"{root}/{name}")
        for name in ("bin", "sbin", "lib", "lib64"):
            if os.path.islink(f"/{name}"):
                os.symlink(os.readlink(f"/{name}"), f"{root}/{name}")
        shown: list[str] = []
        for path in ("/usr", "/bin", "/lib", "/lib64", sysconfig.get_path("stdlib"),
                     sysconfig.get_path("platstdlib"), sysconfig.get_config_var("LIBDIR") or "",
                     PYTHON):  # fmt: skip
            inside = any(path.startswith(f"{one}/") or path == one for one in shown)
            if path and os.path.exists(path) and not os.path.islink(path) and not inside:
                shown.append(path)
                place = f"{root}{path}"
                os.makedirs(place if os.path.isdir(path) else os.path.dirname(place), exist_ok=True)
                if not os.path.isdir(path):
                    os.close(os.open(place, os.O_WRONLY | os.O_CREAT, 0o644))
                self.kernel.mount(path, place, "", f.MS_BIND | f.MS_REC)

    def run(self, config: Config) -> set[str]:
        """Run a bundle with the attack in it; return the holes through which it came out."""
        self.count += 1
        mark, bundle = secrets.token_hex(8), f"{self.place}/{self.count}"
        config = json.loads(json.dumps(config))  # the caller's stays as it is
        if config["root"]["path"] == "rootfs":
            config["root"]["path"] = f"{self.place}/rootfs"
        facts = {
            "mark": mark, "bystander": self.bystander, "port": self.port, "queue": f"/{self.queue}",
            "files": list(self.reach(config, SYSTEM)),
            "data": list(self.reach(config, [DATA])),
            "sockets": [path for _, path in self.reach(config, SOCKETS)],
        }  # fmt: skip
        config["process"]["args"] = [PYTHON, "-I", "-S", "-B", "-c", ATTACK, json.dumps(facts)]
        os.makedirs(bundle)
        with open(f"{bundle}/config.json", "w", encoding="utf-8") as out:
            json.dump(config, out)
        hooks = set(self.files(".hook"))
        name = socket.gethostname()
        bystander = subprocess.Popen(["sleep", self.bystander])
        os.close(os.open(f"{self.queues}/{self.queue}", os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666))
        try:
            said = self.runtime("run", "--bundle", bundle, f"stranger-{self.count}")
            return set(self.looked(mark, said, bystander)) | (
                {"hooks"} if set(self.files(".hook")) - hooks else set()
            )
        finally:
            bystander.kill()
            bystander.wait()
            os.unlink(f"{self.queues}/{self.queue}")
            self.kernel.sethostname(name)

    def runtime(self, *words: str) -> str:
        """Call our OCI runtime; return what it and the container said."""
        argv = [sys.executable, "-S", "-B", "-c", LAUNCH, PACKAGE, "oci",
                "--root", f"{self.place}/run", *words]  # fmt: skip
        done = subprocess.run(argv, capture_output=True, text=True, timeout=SECONDS, check=False,
                              stdin=subprocess.DEVNULL)  # fmt: skip
        return done.stdout + done.stderr

    def looked(self, mark: str, said: str, bystander: subprocess.Popen[bytes]) -> Iterator[str]:
        """Look at the host: yield each hole through which the attack has left its mark."""
        if f"tried everything {mark}" not in said:
            raise RuntimeError(f"a stranger's bundle did not run: {said[-300:]}")
        if bystander.poll() == -signal.SIGKILL:
            yield "pid"
        if self.heard("network") == mark:
            yield "network"
        with open(f"{self.queues}/{self.queue}", encoding="ascii") as queue:
            if not queue.read().startswith("QSIZE:0 "):
                yield "ipc"
        if socket.gethostname() == mark:
            yield "uts"
        if mark in [self.heard(path) for path in SOCKETS]:
            yield "socket"
        if any(self.files(mark)):
            yield "files"
        with open("/proc/self/mountinfo", encoding="utf-8") as table:
            if mark in table.read():
                yield "mounts"

    def heard(self, which: str) -> str:
        """Return what somebody has said to a service or an engine."""
        try:
            end, _ = self.listening[which].accept()
        except BlockingIOError:
            return ""
        with end:
            end.settimeout(2)
            return end.recv(100).decode(errors="replace")

    def files(self, end: str) -> Iterator[str]:
        """Yield the files of the host's system whose name ends so."""
        for place in SYSTEM:
            for folder, _, names in os.walk(place):
                yield from (f"{folder}/{name}" for name in names if name.endswith(end))

    def reach(self, config: Config, places: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Yield (mount, path): where places of the host are to be looked for in the container."""
        for entry in config["mounts"]:
            if {"bind", "rbind"} & set(entry["options"]):
                source, inside = os.path.normpath(entry["source"]), entry["destination"]
                for place in places:
                    if place == source or place.startswith(source.rstrip("/") + "/"):
                        yield inside, inside + place.removeprefix(source.rstrip("/"))
                    elif source.startswith(f"{place}/"):
                        yield inside, inside


# --- the laboratory --------------------------------------------------------------------------


def laboratory(configs: Iterable[Config]) -> list[set[str]]:
    """Run bundles on a host of their own, which is thrown away; return what came out of each.

    It is a room; in a room it is covered, since not everybody can make a room in a room. Blocked
    where neither can be made.
    """
    place = f"/tmp/strangers-{secrets.token_hex(3)}"
    python, given = [sys.executable, "-m", __name__, place], json.dumps(list(configs))
    argv = [*APART, *python, "cover"] if ROOM in os.environ else [*IN_A_ROOM, *python]
    done = subprocess.run(argv, input=given, capture_output=True, text=True, check=False)
    shutil.rmtree(place, ignore_errors=True)  # of a covered host; a room has gone with all of it
    if done.returncode == BLOCKED:
        why = done.stderr.partition("\n")[0].removeprefix("minidocker: ")
        raise Blocked(why, "minidocker doctor")
    if done.returncode:
        raise RuntimeError(f"the laboratory failed: {(done.stderr or done.stdout)[-400:]}")
    return [set(holes) for holes in json.loads(done.stdout.splitlines()[-1])]


def cover(kernel: Linux) -> None:
    """Put file systems in memory over what the bundles may change, in mounts of our own."""
    kernel.mount("", "/", "", f.MS_REC | f.MS_PRIVATE)
    ours = {os.path.realpath(one) for one in (PACKAGE, sys.prefix, sys.base_prefix)}
    for path in ("/etc", "/root", "/boot", "/srv", "/run"):
        os.makedirs(path, exist_ok=True)
        below = {one: os.open(one, os.O_PATH) for one in ours if one.startswith(f"{path}/")}
        kept = f"/tmp/kept-{secrets.token_hex(3)}"
        if path == "/etc":
            shutil.copytree(path, kept, symlinks=True)
        kernel.mount("none", path, "tmpfs", 0, "mode=755")
        if path == "/etc":
            shutil.copytree(kept, path, symlinks=True, dirs_exist_ok=True)
            shutil.rmtree(kept)
        for one, fd in sorted(below.items()):  # the course and its Python may lie there
            os.makedirs(one, exist_ok=True)
            kernel.mount(f"/proc/self/fd/{fd}", one, "", f.MS_BIND | f.MS_REC)
            os.close(fd)
    kernel.mount("", "/", "", f.MS_REC | f.MS_SHARED)


def main() -> None:
    """Be the laboratory: read configurations, and print the holes of each."""
    kernel, place = Linux(), sys.argv[1]
    if sys.argv[2:] == ["cover"]:
        cover(kernel)
    host = Host(kernel, place).build()
    print(json.dumps([sorted(host.run(config)) for config in json.load(sys.stdin)]))


if __name__ == "__main__":
    main()
