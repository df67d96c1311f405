"""Yard: a throw-away outer machine, with something to steal and something to harm in it.

Its process 1 is ours. It stands in pid, mount, network, ipc, uts and cgroup namespaces of its own,
on an overlay over the host's root: what an escape reads, writes, mounts or kills there is the
yard's. It makes one attempt, looks at the kernel while the attack runs, and tells the result.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator
from typing import Any

from minidocker.chamber import cell_root
from minidocker.errors import Blocked, KernelError
from minidocker.escapes.escape import Escape
from minidocker.escapes.python_text import LAUNCH, python_text
from minidocker.kernel import flags as f
from minidocker.kernel.linux import Linux
from minidocker.proc import processes
from minidocker.runtime import readonly

PLACE = "/yard"
INODES = 100_000  # files and directories that fit into the yard's disk
BASE = f"{PLACE}/base"
VOLUME = f"{PLACE}/volume"
NEVER_BEGAN = (125, 126, 127)  # as in `docker run`: its own failure, cannot be run, not found
SYSTEM = ("/usr", "/lib", "/lib64")  # what the machine's Python needs, shown read-only inside
BUSY = ("sh", "cat", "chmod", "grep", "hostname", "kill", "mkdir", "mknod", "mount", "nc", "sleep",
        "tr", "umount", "unshare")  # fmt: skip


class Yard:
    """One yard with one attempt in it: `escape` at `stages` ("none" is without a container)."""

    def __init__(self, kernel: Linux, escape: Escape, stages: str, order: dict[str, Any]) -> None:
        self.kernel = kernel
        self.escape = escape
        self.stages = stages
        self.order = order
        self.secret = secrets.token_hex(12)
        self.facts: dict[str, str] = {}
        self.canary = 0
        self.process: subprocess.Popen[bytes] | None = None
        self.groups: list[str] = []
        self.typed = b""
        self.keys = -1
        self.log = ""
        self.offset = 0.0
        self.enter: list[str] = []

    # --- the place -------------------------------------------------------------------

    def build(self) -> None:
        """Make the yard: root, /proc, /sys, network, a root directory for containers, a canary."""
        kernel = self.kernel
        if not readonly.sealed():
            raise RuntimeError("the yard's own program could be changed")
        cell_root.build(kernel, {"filesystems": self.order["filesystems"], "hide": []})
        kernel.mount("sysfs", "/sys", "sysfs", f.MS_NOSUID | f.MS_NODEV | f.MS_NOEXEC)
        for place, kind, data in self.order["cgroups"]:
            os.makedirs(place, exist_ok=True)
            kernel.mount(kind, place, kind, 0, data)
        for place, kind in (("/dev/shm", "tmpfs"), ("/dev/mqueue", "mqueue")):
            os.makedirs(place, exist_ok=True)
            kernel.mount(kind, place, kind, f.MS_NOSUID | f.MS_NODEV)
        self.settle_in_cgroup()
        kernel.link_up("lo")
        os.makedirs(PLACE, exist_ok=True)
        # Neither nosuid nor nodev: the yard itself must stop nothing.
        kernel.mount("tmpfs", PLACE, "tmpfs", 0, f"size=256m,nr_inodes={INODES},mode=755")
        for path in (VOLUME, "/canary", f"{PLACE}/store/seccomp"):
            os.makedirs(path, exist_ok=True)
        for name, program in self.order["filters"].items():
            with open(f"{PLACE}/store/seccomp/{name}", "wb") as out:
                out.write(bytes.fromhex(program))
        self.put("/canary/token", self.secret)
        self.base()
        self.canary = self.spawn(
            ["/bin/sleep", "1000"], {"SECRET": self.secret, "PATH": "/usr/bin:/bin"}
        )

    def settle_in_cgroup(self) -> None:
        """Leave the top of the yard's own cgroup tree: with a process in it, it gives no limits."""
        if self.order.get("own_cgroup"):
            os.mkdir("/sys/fs/cgroup/yard")
            self.kernel.write("/sys/fs/cgroup/yard/cgroup.procs", "1")

    def base(self) -> None:
        """Make the root directory of the containers, from the machine's static busybox."""
        for folder in ("bin", "dev", "etc", "proc", "sys", "tmp", "run", "mnt", "usr", "root"):
            os.makedirs(f"{BASE}/{folder}", exist_ok=True)
        os.chmod(f"{BASE}/tmp", 0o1777)
        self.put(f"{BASE}/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
        shutil.copy(self.order["busybox"], f"{BASE}/bin/busybox")
        for name in BUSY:
            os.symlink("busybox", f"{BASE}/bin/{name}")

    def put(self, path: str, text: str) -> None:
        """Write a file."""
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)

    def spawn(self, argv: list[str], env: dict[str, str]) -> int:
        """Start a process of the yard's own, outside of any container; its pid."""
        return subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, start_new_session=True).pid

    def python(self, text: str, **facts: str) -> str:
        """Run Python text in the yard, and return what it printed."""
        argv = [self.order["python"], "-I", "-S", "-B", "-c", python_text(text)]
        done = subprocess.run(argv, capture_output=True, text=True, env={**self.facts, **facts})
        if done.returncode:
            raise RuntimeError(f"the yard's own helper failed: {done.stderr[-300:]}")
        return done.stdout.strip()

    def keyring(self, text: str) -> None:
        """Let process 1 itself run text that puts a key into its session keyring."""
        names: dict[str, Any] = {}
        os.environ["M_SECRET"] = self.secret
        exec(compile(python_text(text), "<keyring>", "exec"), names)
        del os.environ["M_SECRET"]

    # --- the attempt -----------------------------------------------------------------

    def attempt(self) -> bool:
        """Set up, start the attack, look until it works, ends, or its time is over."""
        self.build()
        inside = self.has("rootfs")
        volume = self.has("mounts") and self.escape.volume
        self.facts = {
            "M_PID": str(self.canary), "M_NONCE": secrets.token_hex(6),
            "M_VOLUME": "/volume" if volume else VOLUME, "M_BASE": "" if inside else BASE,
        }  # fmt: skip
        self.escape.setup(self)
        self.output = os.open(f"{PLACE}/output", os.O_RDWR | os.O_CREAT)
        before = None if not self.escape.holds else os.open(self.escape.holds, os.O_RDONLY)
        self.start(before)
        assert self.process
        end = time.monotonic() + self.escape.seconds * self.order["patience"]
        while time.monotonic() < end:
            if self.escape.probe(self):
                return True
            if self.process.poll() is not None:
                return self.escape.probe(self)
            time.sleep(0.01)
        return self.escape.probe(self)

    def has(self, stage: str) -> bool:
        """Say whether this attempt has that stage; Podman has them all."""
        from minidocker.stages import choose

        if self.stages in ("none", "podman"):
            return self.stages == "podman"
        return any(found.name == stage for found in choose(self.stages))

    def start(self, held: int | None) -> None:
        """Start the attack: bare, in a container of ours, or in one of Podman's."""
        escape = self.escape
        path = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
        if not self.has("rootfs"):
            path = f"{BASE}/bin:{path}"  # the same busybox that a container's root has
        env = {"PATH": path, "MINIDOCKER_ROOT": f"{PLACE}/store", "HOME": "/root"}
        if self.stages == "none":
            env.update(self.facts)
        pass_fds = []
        if held is not None:
            os.dup2(held, 9)
            pass_fds = [9]
        argv = {"none": self.bare, "podman": self.podman}.get(self.stages, self.run)()
        stdin = self.terminal() if escape.terminal else subprocess.DEVNULL
        user: dict[str, Any] = {}
        if self.stages == "none" and "1000:1000" in escape.options:
            user = {"user": 1000, "group": 1000, "extra_groups": []}
        self.process = subprocess.Popen(
            argv, env=env, stdin=stdin, stdout=self.output, stderr=self.output,
            start_new_session=True, pass_fds=pass_fds, cwd="/",
            **user,
        )  # fmt: skip

    def command(self) -> list[str]:
        """Return the attack as a command."""
        escape = self.escape
        if escape.program:
            return [word.replace("$M_BASE", self.facts["M_BASE"]).replace("$M_VOLUME",
                    self.facts["M_VOLUME"]) for word in escape.program]  # fmt: skip
        if escape.python:
            return [self.order["python"], "-I", "-S", "-B", "-c", python_text(escape.attack)]
        return ["sh", "-c", escape.attack]

    def bare(self) -> list[str]:
        """Return what runs without a container: the attack itself, or a runtime without care."""
        if not self.escape.bare:
            return self.command()
        return [self.order["python"], "-I", "-S", "-B", "-c", python_text(self.escape.bare)]

    def run(self) -> list[str]:
        """Return the command line of `minidocker run`, with our defaults, at these stages."""
        argv = [self.order["python"], "-S", "-B", "-c", LAUNCH, self.order["package"], "run",
                "--rm", "--stages", self.stages]  # fmt: skip
        # Naming the stage asks for its namespace. Root's default has none: as
        # with `time`, what is measured on this rung are our defaults.
        argv += ["--userns", "host"] if self.stages == "..user" else []
        argv += self.escape.options
        if not any(word.startswith(("--net", "-p")) for word in self.escape.options):
            argv += ["--network", "none"]
        for name, value in self.facts.items():
            argv += ["-e", f"{name}={value}"]
        if self.has("rootfs"):
            argv += ["--layer" if self.has("layers") else "--rootfs", BASE]
            argv += self.system()
        if self.has("mounts"):
            argv += self.volumes()
        return [*argv, *self.command()]

    def volumes(self) -> list[str]:
        """Return the -v option of the escape's own volume."""
        return ["-v", f"{VOLUME}:/volume"] if self.escape.volume else []

    def system(self) -> list[str]:
        """Return the -v options of the machine's Python, read-only, where the attack needs it."""
        argv = []
        if self.escape.python or self.escape.program:
            needed = [*SYSTEM, self.order["base_prefix"]]
            for path in dict.fromkeys(p for p in needed if os.path.isdir(p)):
                if path in SYSTEM or not path.startswith("/usr"):
                    argv += ["-v", f"{path}:{path}:ro"]
        return argv

    def podman(self) -> list[str]:
        """Return Podman's command line: its defaults, on the same root directory."""
        conf = f"{PLACE}/containers.conf"
        # Some roots lack CAP_SYS_RESOURCE: Podman's own limits could not be set.
        self.put(conf, '[containers]\ndefault_ulimits = ["nofile=1024:4096", "nproc=1000:2000"]\n')
        store = f"{PLACE}/podman"
        argv = ["env", f"CONTAINERS_CONF={conf}", "podman", "--root", f"{store}/root", "--runroot",
                f"{store}/run", "--tmpdir", f"{store}/tmp", "--runtime", "runc",
                "--cgroup-manager", "cgroupfs", "--events-backend", "file", "run", "--rm",
                "--cidfile", f"{PLACE}/cid", "--network=none"]  # fmt: skip
        argv += self.escape.options
        for name, value in self.facts.items():
            argv += ["-e", f"{name}={value}"]
        return [*argv, *self.volumes(), *self.system(), "--rootfs", BASE, *self.command()]

    def terminal(self) -> int:
        """Open the caller's terminal; what an attack pushes into it is read from `self.keys`."""
        import tty

        _, self.keys = os.openpty()
        tty.setraw(self.keys)
        return self.keys

    # --- looking ---------------------------------------------------------------------

    def printed(self) -> str:
        """Return what the attack has printed so far."""
        return os.pread(self.output, 60_000, 0).decode(errors="replace")

    def pids(self) -> Iterator[int]:
        """Yield the attack's processes: they have its number in their variables, engines do not."""
        mark = f"M_NONCE={self.facts['M_NONCE']}".encode()
        for name in os.listdir("/proc"):
            if name.isdigit() and int(name) > 1:
                try:
                    with open(f"/proc/{name}/environ", "rb") as file:
                        if mark in file.read().split(b"\0"):
                            yield int(name)
                except OSError:
                    continue

    def status(self, pid: int, key: str) -> list[str]:
        """Return the words of one line of /proc/PID/status; [] when the process is gone."""
        try:
            return processes.status(pid).get(key, "").split()
        except (LookupError, PermissionError):
            return []

    def open_files(self) -> Iterator[tuple[str, os.stat_result, int]]:
        """Yield (link, stat, flags) of every open file of the attack's processes."""
        for pid in self.pids():
            try:
                for fd in os.listdir(f"/proc/{pid}/fd"):
                    path = f"/proc/{pid}/fd/{fd}"
                    with open(f"/proc/{pid}/fdinfo/{fd}", encoding="ascii") as info:
                        flags = next(int(x.split()[1], 8) for x in info if x.startswith("flags"))
                    yield os.readlink(path), os.stat(path), flags
            except (OSError, StopIteration):
                continue  # ended while we looked

    def holds_file(self, end: str, write: bool = True) -> bool:
        """Say whether the attack has a regular file open whose name ends so (for writing)."""
        return any(
            link.endswith(end) and stat.S_ISREG(seen.st_mode)
            and (not write or flags & os.O_ACCMODE)
            for link, seen, flags in self.open_files()
        )  # fmt: skip

    def holds_device(self, kind: int, device: int) -> bool:
        """Say whether the attack has this device open: S_IFBLK or S_IFCHR, and its number."""
        return any(
            stat.S_IFMT(seen.st_mode) == kind and seen.st_rdev == device
            for _, seen, flags in self.open_files()
            if not flags & os.O_PATH
        )

    def holds_object(self, name: str) -> bool:
        """Say whether the attack has such an object of the kernel open: anon_inode:NAME."""
        return any(
            link.removeprefix("anon_inode:").strip("[]") == name for link, *_ in self.open_files()
        )

    def result(self) -> dict[str, Any]:
        """Make the attempt and return what the harness is to know."""
        try:
            works = self.attempt()
        except Blocked as problem:
            return {"blocked": problem.message}
        except KernelError as problem:
            return {"error": f"the yard could not be made: {problem}"}
        except Exception as problem:
            return {"error": f"{type(problem).__name__}: {problem}"}
        said = [line for line in self.printed().splitlines() if line.strip()]
        told: dict[str, Any] = {
            "works": works,
            "said": said[-1][-200:] if said else "",
            "groups": self.groups,
        }
        code = self.process.poll() if self.process else None
        if self.stages == "podman":
            told["cid"] = _read(f"{PLACE}/cid")
        if not works and code in NEVER_BEGAN and not self.escape.refusal:
            # A container that did not start has stopped nothing.
            return {**told, "error": f"the attack did not begin: {told['said']}"}
        return told


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii") as text:
            return text.read()
    except OSError:
        return ""
