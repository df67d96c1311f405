"""Partners: who is asked to run the containers, and how each of them is told to use our runtime."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import ClassVar

from minidocker.exam.inside import Said
from minidocker.exam.yard import OPT, SEARCH, STORE

Run = Callable[[Sequence[str]], Said]
SOCKET = "unix:///run/docker.sock"
SECONDS = 120.0


class Podman:
    """It has no daemon: each command says where its storage is, and which runtime serves."""

    name = "Podman"
    programs: tuple[str, ...] = ("podman", "conmon")
    package = "sudo apt-get install podman conmon"
    maps_users = True
    not_asked: ClassVar[dict[str, str]] = {}
    built = "localhost/built"
    read_only = "ro,rbind"  # of a volume, with what is mounted below it

    def words(self, *words: str, runtime: str = "") -> list[str]:
        """Return a command line; runtime "-first" is the one without lesson 06."""
        places = [f"--{name}={STORE}/podman/{name}" for name in ("root", "runroot", "tmpdir")]
        chosen = f"--runtime={OPT}/bin/minidocker-runtime{runtime}"
        return ["podman", *places, "--storage-driver=vfs", chosen, *words]

    def start(self, run: Run) -> str:
        """Make ready; return why that failed, "" when it did not."""
        return ""

    def build(self, directory: str) -> list[str]:
        """Return the line that builds an image called `built`."""
        words = ("build", "--isolation", "oci", "--network", "none", "-t", "built", directory)
        return self.words(*words)

    def gone(self, name: str, runtime: str = "") -> list[str]:
        """Return the line that removes a container that runs."""
        return self.words("rm", "-f", "-t", "0", name, runtime=runtime)


class Docker(Podman):
    """A daemon of the exam's own, in the room, as an ordinary user's dockerd is in a namespace."""

    name = "Docker"
    programs = ("dockerd", "containerd", "containerd-shim-runc-v2", "docker", "docker-proxy")
    package = "sudo apt-get install docker.io"
    maps_users = False
    not_asked = dict.fromkeys(
        ("write_maps", "become_root"), "dockerd gives all containers a user namespace, or none"
    )
    built = "built"
    read_only = "ro"

    def words(self, *words: str, runtime: str = "") -> list[str]:
        """Return a command line. BuildKit has a runtime of its own, so images are built without."""
        head = ["busybox", "env", "DOCKER_BUILDKIT=0", "docker", "-H", SOCKET]
        if words[0] == "run":
            return [*head, "run", f"--runtime=minidocker{runtime}", "--network=none", *words[1:]]
        return [*head, *words]

    def start(self, run: Run) -> str:
        """Start the daemon, and wait until it answers."""
        runtimes = "".join(
            f" --add-runtime minidocker{one}={OPT}/bin/minidocker-runtime{one}"
            for one in ("", "-first")
        )
        run(["sh", "-c", (
            f"export PATH={OPT}/bin:{SEARCH} XDG_RUNTIME_DIR=/run ROOTLESSKIT_STATE_DIR=/run/kit\n"
            f"busybox setsid dockerd --rootless -H {SOCKET} --data-root {STORE}/docker "
            "--exec-root /run/docker --pidfile /run/docker.pid --storage-driver vfs --bridge none "
            "--iptables=false --ip6tables=false --userland-proxy=false --default-runtime minidocker"
            f"{runtimes} </dev/null >{STORE}/dockerd.log 2>&1 &"
        )])  # fmt: skip
        until = time.monotonic() + SECONDS
        while run(self.words("version")).status:
            if time.monotonic() > until:
                last = run(["busybox", "tail", "-n", "1", f"{STORE}/dockerd.log"]).out.strip()
                return f"dockerd does not answer in the exam's room: {last}"
            time.sleep(0.2)
        return ""

    def build(self, directory: str) -> list[str]:
        """Return the line that builds an image called `built`."""
        return self.words("build", "--network", "none", "-t", "built", directory)

    def gone(self, name: str, runtime: str = "") -> list[str]:
        """Return the line that removes a container that runs."""
        return self.words("rm", "-f", name)


PARTNERS: dict[str, Podman] = {"podman": Podman(), "docker": Docker()}
