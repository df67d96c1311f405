"""What --network says beyond a name: name=…,alias=…,ip=…,mac-address=…"""

from __future__ import annotations

from minidocker.errors import UsageError
from minidocker.net import addresses
from minidocker.spec.words import fields, parse_name

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from typing import Any

REFUSED = {
    "ip6": "our networks have no IPv6",
    "link-local-ip": "an address comes from the network",
    "driver-opt": "a bridge of ours has no options",
    "gw-priority": "a container is in one network",
}


def parse_network(text: str) -> dict[str, Any]:
    """Read --network name=NAME and what may follow, with "," between."""
    found: dict[str, Any] = {"alias": []}
    if not text:
        raise UsageError("--network has no name", "--network bridge",
                         docker="no name set for network")  # fmt: skip
    for key, given in fields(text, "--network"):
        value = given or ""
        if key == "name":
            found["name"] = value
        elif key == "alias":
            found["alias"].append(parse_name(value, "--network alias"))
        elif key == "mac-address":
            found[key] = value
        elif key == "ip":
            found[key] = addresses.parse_address(value, "--network ip")
        elif key in REFUSED:
            raise UsageError(f"--network {key} is refused: {REFUSED[key]}", "leave it out")
        else:
            raise UsageError(
                f"--network {text!r}: there is no key {key}", "name=NAME,alias=NAME,ip=ADDRESS",
                docker=f'invalid argument "{text}" for "--network" flag: invalid field '
                f"{key if given is None else f'key {key}'}",
            )  # fmt: skip
    if not found.get("name"):
        raise UsageError(f"--network {text!r} names no network", "--network name=bridge,…")
    return found
