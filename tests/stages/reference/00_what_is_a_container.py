"""The runtime's own uts stage, under the name of lesson 00's exercise."""

from minidocker.kernel.flags import CLONE_NEWUTS
from minidocker.stages.uts import Uts


def set_hostname(kernel, name):
    """In the runtime the clone makes the namespace, and the stage sets the name in it."""
    kernel.unshare(Uts.namespaces & CLONE_NEWUTS)
    Uts.set_hostname(kernel, name)
