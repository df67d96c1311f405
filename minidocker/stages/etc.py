"""The three files that belong to this container and to no image."""

from __future__ import annotations

from minidocker.kernel.flags import MS_BIND
from minidocker.stages.base import Stage, place

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
    from minidocker.spec.spec import Run

FILES = ("hosts", "hostname", "resolv.conf")


class Etc(Stage):
    """Bind hosts, hostname and resolv.conf over the init layer's empty files."""

    name = "etc"
    needs = ("rootfs",)
    mounts = True
    parts = ("place_etc_files",)

    def before(self, kernel: Kernel, run: Run) -> None:
        """Write the three files into the state directory."""
        name = run.spec.hostname
        local = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
        kernel.write(f"{run.directory}/hosts", f"{local}127.0.1.1\t{name}\n")
        kernel.write(f"{run.directory}/hostname", f"{name}\n")
        host = "/etc/resolv.conf"
        kernel.write(
            f"{run.directory}/resolv.conf", kernel.read(host) if kernel.exists(host) else ""
        )

    def inside(self, kernel: Kernel, run: Run) -> None:
        """Bind them, before the host's root is out of reach."""
        self.place_etc_files(kernel, run.directory, run.root)

    @staticmethod
    def place_etc_files(kernel: Kernel, directory: str, root: str) -> None:
        """Bind `directory`/hosts, hostname and resolv.conf over those in `root`/etc.

        A bind mount keeps them out of every layer: a commit cannot carry them away, and renaming
        another file over one of them (as `sed -i` does) is EBUSY. mount(2)
        """
        for name in FILES:
            target = place(kernel, root, f"/etc/{name}", "file")
            kernel.mount(f"{directory}/{name}", target, "", MS_BIND)
