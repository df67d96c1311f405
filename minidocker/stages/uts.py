"""The uts namespace: the host name, and the NIS domain name."""

from __future__ import annotations

from minidocker.kernel.flags import CLONE_NEWUTS
from minidocker.stages.base import Stage

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
    from minidocker.spec.spec import Run


class Uts(Stage):
    """Give the process a host name and a domain name of its own."""

    name = "uts"
    namespaces = CLONE_NEWUTS
    shares = "uts"
    parts = ("set_hostname", "set_names")

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
