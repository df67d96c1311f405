"""Devices: nodes of the host that the user hands in with --device."""

from __future__ import annotations

import os

from minidocker.errors import NotFound, UsageError
from minidocker.kernel.flags import DEVICES, MS_BIND
from minidocker.spec.words import LIST, Option
from minidocker.stages.base import Stage, place

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
    from minidocker.spec.spec import Run, Spec
    from minidocker.spec.words import Asked


class Devices(Stage):
    """Show the chosen device nodes in the container, each as a mount of its own."""

    name = "devices"
    needs = ("mounts", "rootfs")
    mounts = True
    options = (
        Option("--device", LIST, "NODE[:PATH]", "rights",
               "let a device node of the host work inside"),
    )  # fmt: skip
    parts = ("show_device",)

    @classmethod
    def plan(cls, spec: Spec, asked: Asked) -> None:
        """List the nodes: those that were named, after all of them for --privileged."""
        if "privileged" in asked and asked.touch:
            spec.linux.devices += host_devices()
        spec.linux.devices += [device(text, asked.touch) for text in asked.get("device", ())]

    def inside(self, kernel: Kernel, run: Run) -> None:
        """Bind each node while the host's /dev is in sight."""
        for source, destination in (run.spec.linux and run.spec.linux.devices) or ():
            self.show_device(kernel, source, place(kernel, run.root, destination, "file"))

    @staticmethod
    def show_device(kernel: Kernel, source: str, target: str) -> None:
        """Bind one node: it works without CAP_MKNOD, and stays alive when the rest is nodev."""
        kernel.mount(source, target, "", MS_BIND)


def device(text: str, touch: bool) -> list[str]:
    """Read --device NODE[:PATH[:rwm]] as [host node, path inside]."""
    source, _, rest = text.partition(":")
    path, _, access = rest.partition(":")
    if path and not path.startswith("/") and not access:
        path, access = "", path
    path = path or source
    if not source.startswith("/") or not path.startswith("/"):
        raise UsageError(f"--device {text!r} is not NODE or NODE:PATH", "--device /dev/fuse")
    if access and not {"r", "w"} <= set(access) <= {"r", "w", "m"}:
        raise UsageError(
            f"--device {text}: a part of the access cannot be taken away here",
            "leave the letters out: reading and writing are decided by the node's own mode",
        )
    if touch:
        try:
            mode = os.stat(source).st_mode & 0o170000
        except OSError as problem:
            reason = (problem.strerror or "").lower()
            raise NotFound(
                f"--device {text}: {problem.strerror}", "ls /dev",
                docker=f'error gathering device information while adding custom device "{source}": '
                + reason,
            ) from None  # fmt: skip
        if mode not in (0o020000, 0o060000):
            raise UsageError(f"--device {text}: that is no device node", "for a file: -v")
    return [source, path]


def host_devices() -> list[list[str]]:
    """List every node of the host's /dev, for --privileged; terminals are the container's own."""
    own = {*DEVICES, "pts", "shm", "mqueue", "fd", "ptmx", "console", "hugepages"}
    found = []
    for directory, below, names in os.walk("/dev"):
        below[:] = [name for name in below if directory != "/dev" or name not in own]
        for name in names:
            path = f"{directory}/{name}"
            if (directory == "/dev" and name in own) or os.path.islink(path):
                continue
            if os.stat(path).st_mode & 0o170000 in (0o020000, 0o060000):
                found.append([path, path])
    return found
