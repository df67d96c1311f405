"""The doctor's look at what the lab machine needs here: programs to build it, and to boot it.

`minidocker vm up` asks the same tables before it builds anything.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from minidocker.doctor import lab_arch
from minidocker.doctor.finding import GAP, INFO, OK, Finding
from minidocker.errors import UsageError
from minidocker.places import LAB_MARKER
from minidocker.proc.machine import Host

TO_BOOT = {"qemu-img": "qemu-utils", "ssh": "openssh-client"}
TO_BUILD = {
    "mmdebstrap": "mmdebstrap", "qemu-img": "qemu-utils", "mkfs.ext4": "e2fsprogs",
    "ssh-keygen": "openssh-client",
}  # fmt: skip
APT = "apt-get install --no-install-recommends"


def to_boot() -> dict[str, str]:
    """Return {program: Debian package} of what starts a machine of the chosen architecture."""
    arch = lab_arch.chosen()
    return {arch.qemu: arch.package, **TO_BOOT}


def to_build() -> dict[str, str]:
    """Return {program: Debian package} of what builds its box."""
    arch = lab_arch.chosen()
    return {**TO_BUILD, arch.user: "qemu-user-static"} if arch.foreign else dict(TO_BUILD)


def missing(host: Host, programs: Mapping[str, str]) -> dict[str, str]:
    """Return which of {program: Debian package} this host lacks."""
    return {name: package for name, package in programs.items() if not _there(host, name)}


def _there(host: Host, name: str) -> bool:
    """Say whether a program is there; an ordinary user's PATH may lack the places of root's."""
    places = (host.path(f"{folder}/{name}") for folder in ("/usr/sbin", "/sbin"))
    return bool(host.which(name)) or any(map(os.path.exists, places))


def install(host: Host, lacking: Mapping[str, str]) -> str:
    """Return the one line that installs what is lacking."""
    return host.as_root(f"{APT} {' '.join(sorted(set(lacking.values())))}")


def finding(host: Host) -> Finding:
    """Say whether this host could bring the lab machine up, and the line that lets it."""
    name, title, group = "vm", "programs of the lab machine", "programs"
    if host.read(LAB_MARKER) is not None:
        return Finding(name, title, INFO, "this is the lab machine: it starts none", group=group)
    if not host.linux:
        return Finding(name, title, GAP, "it is built on a Linux host", "vagrant up", group)
    try:
        lacking = missing(host, {**to_build(), **to_boot()})
    except UsageError as problem:
        return Finding(name, title, GAP, problem.message, problem.remedy, group)
    if lacking:
        seen = f"there is no {', no '.join(lacking)}"
        return Finding(name, title, GAP, seen, install(host, lacking), group)
    seen = "to build it and to boot it: all there"
    if host.euid:
        seen += "; the first build asks for root: sudo make box"
    return Finding(name, title, OK, seen, group=group)
