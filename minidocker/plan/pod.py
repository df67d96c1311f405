"""--pod NAME: the network, the shared memory and the host name of that pod's holder.

Who joins a network alone (--network container:NAME) is called as its owner, too.
"""

from __future__ import annotations

from minidocker.errors import Conflict, NotFound, UsageError
from minidocker.runtime import reading
from minidocker.spec.pods import HOLDER, NOTE

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from typing import Any

    from minidocker.spec.spec import Spec
    from minidocker.spec.words import Asked

THE_PODS = ("network", "ipc", "uts", "hostname", "domainname")


def join(spec: Spec, asked: Asked) -> None:
    """Ask for what a member shares, before the stages read what is asked for."""
    name = asked["pod"]
    if said := next((key for key in THE_PODS if key in asked), ""):
        raise UsageError(f"--{said} is the pod's", f"minidocker pod create --{said} …")
    id = name
    if asked.touch:
        record = reading.find(asked.store, name)
        made = record.get("spec") or {}
        if (made.get("annotations") or {}).get(NOTE) != HOLDER:
            raise NotFound(f"{name} is no pod", f"minidocker pod create {name}")
        if not record["alive"]:
            raise Conflict(f"the pod {name} does not run", f"minidocker start {name}")
        id = record["id"]
        be_called(spec, made)
    asked["network"] = [{"name": f"container:{id}"}]
    asked["ipc"] = f"container:{id}"
    spec.sharing["uts"] = f"container:{id}"
    spec.annotations[NOTE] = id


def take_name(spec: Spec, asked: Asked) -> None:
    """Be called as the container whose network it joins, as in Docker: its /etc/hosts says so."""
    name = asked["network"][0]["name"].removeprefix("container:")
    if asked.touch and asked.get("uts") != "host" and "hostname" not in asked:
        try:
            be_called(spec, reading.find(asked.store, name).get("spec") or {})
        except (Conflict, NotFound):
            pass  # it is looked for again, and then said, when it is joined


def be_called(spec: Spec, made: dict[str, Any]) -> None:
    """Take over both names of a container."""
    spec.hostname, spec.domainname = made.get("hostname") or "", made.get("domainname") or ""
