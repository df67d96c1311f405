"""The three files that belong to this container and to no image."""

from __future__ import annotations

from minidocker.kernel.flags import MS_BIND
from minidocker.spec.words import LIST, Option
from minidocker.stages.base import Stage, place

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
    from minidocker.spec.spec import Run, Spec
    from minidocker.spec.words import Asked

FILES = ("hosts", "hostname", "resolv.conf")


class Etc(Stage):
    """Bind hosts, hostname and resolv.conf over the init layer's empty files."""

    name = "etc"
    needs = ("rootfs",)
    mounts = True
    options = (
        Option("--add-host", LIST, "NAME:ADDRESS", "network",
               "one more line of /etc/hosts; the address host-gateway is this host's"),
        Option("--dns", LIST, "ADDRESS", "network", "ask this server for names"),
        Option("--dns-search", LIST, "DOMAIN", "network", "where short names are looked for"),
        Option("--dns-opt --dns-option", LIST, "OPTION", "network",
               "an option of resolv.conf, such as ndots:1"),
    )  # fmt: skip
    parts = ("place_etc_files",)

    @classmethod
    def plan(cls, spec: Spec, asked: Asked) -> None:
        """Read what the files shall say beyond the host's."""
        keys = ("add-host", "dns", "dns-search", "dns-option")
        if any(key in asked for key in keys):
            from minidocker.net import names

            spec.names = names.read(*(asked.get(key, []) for key in keys))

    def before(self, kernel: Kernel, run: Run) -> None:
        """Write the three files into the state directory; a network of its own changes two."""
        name = run.spec.hostname
        text = (
            f"127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n127.0.1.1\t{name}\n"
        )
        host = "/etc/resolv.conf"
        resolv = kernel.read(host) if kernel.exists(host) else ""
        if run.spec.names:
            from minidocker.net import names

            text += names.host_lines(run.spec.names, "127.0.0.1")
            resolv = names.resolv_conf(resolv, run.spec.names)
        if ":" in (run.spec.sharing or {}).get("net", ""):
            for file in FILES:  # when it starts again, they are another's, too: joining.py
                if kernel.exists(f"{run.directory}/{file}"):
                    kernel.unlink(f"{run.directory}/{file}")
        kernel.write(f"{run.directory}/hosts", text)
        kernel.write(f"{run.directory}/hostname", f"{name}\n")
        kernel.write(f"{run.directory}/resolv.conf", resolv)

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
