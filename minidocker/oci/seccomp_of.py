"""The bundle's filter, compiled once for each text and each set of capabilities."""

from __future__ import annotations

import os

from minidocker.errors import UsageError
from minidocker.kernel.flags import CAPABILITIES
from minidocker.oci.mine import ANNOTATION, VARIABLE
from minidocker.seccomp.cache import filter_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from minidocker.oci.kinds import Bundle


def with_filter(bundle: Bundle, directory: str) -> None:
    """Put the filter's file into the Spec; it is kept beside the containers' directories."""
    if bundle.seccomp:
        caps = bundle.sets.bounding
        names = [name for number, name in enumerate(CAPABILITIES) if caps >> number & 1]
        root = f"{os.path.dirname(directory)}/.cache"
        where = f"{bundle.directory}/config.json, linux.seccomp"
        try:
            bundle.spec.linux.seccomp = filter_of(root, bundle.seccomp, where, names, caps)
        except (AttributeError, TypeError, ValueError) as problem:  # Docker's own words in there
            raise UsageError(f"{where}: a value has a wrong type: {problem}") from None
        if VARIABLE in os.environ or ANNOTATION in bundle.annotations:
            from minidocker.seccomp import profile, refusals

            asked = profile.read(bundle.seccomp, where)
            bundle.spec.linux.refused = refusals.listed(asked, os.uname().machine)
