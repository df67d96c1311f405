"""The uts namespace: the host name, and the NIS domain name."""

from __future__ import annotations

import os

from minidocker.errors import UsageError
from minidocker.kernel.flags import CLONE_NEWUTS
from minidocker.spec.words import VALUE, Option, one_of
from minidocker.stages.base import Stage

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
    from minidocker.spec.spec import Run, Spec
    from minidocker.spec.words import Asked


def host_name(text: str, option: str) -> str:
    """Check a name that becomes a word of /etc/hosts."""
    if len(os.fsencode(text)) > 64:
        raise UsageError(f"{option} is longer than 64 bytes, the kernel's limit", "a shorter name")
    if " " in text or not text.isprintable():
        raise UsageError(f"{option} {text!r} is no name", "letters, digits, - and .")
    return text


class Uts(Stage):
    """Give the process a host name and a domain name of its own."""

    name = "uts"
    namespaces = CLONE_NEWUTS
    shares = "uts"
    options = (
        Option("-h --hostname", VALUE, "NAME", "as in Docker", "the host name inside",
               read=lambda text, _: host_name(text, "--hostname"), field="hostname"),
        Option("--domainname", VALUE, "NAME", "as in Docker", "the NIS domain name inside",
               read=host_name, field="domainname"),
        Option("--uts", VALUE, "MODE", "walls to share", "private or host (the host name)",
               read=one_of("private", "host"), field="sharing.uts", idle=("host",)),
    )  # fmt: skip
    parts = ("set_hostname", "set_names")
    replaced = {"set_hostname": "set_names"}

    @classmethod
    def plan(cls, spec: Spec, asked: Asked) -> None:
        """Read both names; one without is called by its id. Its command finds it in HOSTNAME."""
        super().plan(spec, asked)
        cls.refuse_shared(spec, asked, "hostname", "domainname")
        if not spec.hostname:
            spec.hostname = os.uname().nodename if "uts" in spec.sharing else spec.id
        env = spec.process.env
        if "rootfs" in spec.stages and "\0HOSTNAME=" not in "\0" + "\0".join(env):
            env.insert(1, f"HOSTNAME={spec.hostname}")

    def inside(self, kernel: Kernel, run: Run) -> None:
        """Set the names; the namespace is new, so the host keeps its own.

        A learner's set_hostname is lesson 00's, and serves until lesson 06's set_names is there.
        """
        if "uts" in (run.spec.sharing or {}):
            return  # these names are the host's
        domainname = run.spec.domainname or ""
        if "set_hostname" not in self.origin or "set_names" in self.origin:
            self.set_names(kernel, run.spec.hostname, domainname)
            return
        self.set_hostname(kernel, run.spec.hostname)
        if domainname:
            kernel.setdomainname(domainname)

    @staticmethod
    def set_hostname(kernel: Kernel, name: str) -> None:
        """Set the host name of this uts namespace: at most 64 bytes. sethostname(2)"""
        kernel.sethostname(name)

    @staticmethod
    def set_names(kernel: Kernel, hostname: str, domainname: str) -> None:
        """Set both names of this uts namespace; an empty domain name leaves it as it is.

        At most 64 bytes each. uts_namespaces(7), setdomainname(2)
        """
        kernel.sethostname(hostname)
        if domainname:
            kernel.setdomainname(domainname)
