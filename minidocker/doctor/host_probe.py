"""The doctor's look at the machine: kernel, Python, rights, lab or not, programs.

Each function takes a Host and returns or yields Findings; none changes anything.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator

from minidocker.doctor.finding import GAP, INFO, OK, Finding
from minidocker.errors import LAB_MACHINE
from minidocker.places import LAB_MARKER, OUTSIDE, ROOM, room_of_root
from minidocker.proc import processes
from minidocker.proc.machine import Host

ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
OLDEST_KERNEL = (5, 10)

# Calls that Python's `os` may lack: too old a Python, or one that was built on an old system.
OS_CALLS = ("unshare", "setns", "pidfd_open", "memfd_create", "eventfd", "splice")

# What `minidocker run` uses, one by one; the others only widen what can be shown.
_NEEDED = """
CHOWN DAC_OVERRIDE FOWNER KILL SETGID SETUID SETPCAP NET_ADMIN SYS_CHROOT SYS_PTRACE SYS_ADMIN
MKNOD SETFCAP
"""
NEEDED_CAPABILITIES = tuple("CAP_" + name for name in _NEEDED.split())

PROGRAMS = {  # id: (program, Debian package, what it is for)
    "iproute2": ("ip", "iproute2", "ip: network links"),
    "nft": ("nft", "nftables", "nft: packet rules"),
    "strace": ("strace", "strace", "strace: watch system calls"),
    "openssl": ("openssl", "openssl", "openssl: keys and signatures"),
    "podman": ("podman", "podman", "podman: an engine that calls your runtime"),
    "procps": ("ps", "procps", "ps: list processes"),
    "util-linux": ("nsenter", "util-linux", "unshare and nsenter by hand"),
}


def kernel(host: Host) -> Iterator[Finding]:
    """Yield what is to be said of the system, its kernel and its processor."""
    title = "Linux kernel"
    if not host.linux:
        seen = f"this is {host.platform}: reading and --dry-run work, containers need Linux"
        yield Finding("linux", title, GAP, seen, LAB_MACHINE)
    else:
        release = (host.read("/proc/sys/kernel/osrelease") or platform.release()).strip()
        old = _version(release) < OLDEST_KERNEL
        seen = release + (", older than 5.10: some calls are missing" if old else "")
        yield Finding("linux", title, GAP if old else OK, seen, LAB_MACHINE if old else "")
    found = platform.machine()
    known = ARCHITECTURES.get(found.lower())
    seen = known or f"{found}: never tried; x86_64 and arm64 are"
    yield Finding("arch", "processor", OK if known else INFO, seen)


def python() -> Finding:
    """Say which Python runs this, and which calls of Linux it was built without."""
    version = platform.python_version()
    missing = [f"os.{name}" for name in OS_CALLS if not hasattr(os, name)]
    if not missing:
        return Finding("python", "Python", OK, f"{version}, {sys.executable}")
    seen = f"{version}, without {', '.join(missing)}: minidocker asks the C library instead"
    return Finding("python", "Python", INFO, seen)


def rights(host: Host) -> Iterator[Finding]:
    """Yield whether we are root, and which capabilities we hold and lack, by name."""
    held = _capabilities(host)
    lacking = [name for name in NEEDED_CAPABILITIES if name not in held]
    mapped = (host.read("/proc/self/uid_map") or "").split()
    fix = "run it as root: sudo minidocker doctor"
    if host.euid != 0:
        yield Finding("root", "root", GAP, f"this is user {host.euid}", fix)
    elif mapped and mapped != ["0", "0", "4294967295"]:
        fix = OUTSIDE if room_of_root() else LAB_MACHINE
        seen = "root of a user namespace only: no device nodes, no host mounts"
        yield Finding("root", "root", GAP, seen, fix)
    elif "CAP_SYS_ADMIN" not in held:
        fix = LAB_MACHINE
        yield Finding("root", "root", GAP, "user 0, but without CAP_SYS_ADMIN", fix)
    else:
        yield Finding("root", "root", OK, "user 0 with CAP_SYS_ADMIN")
    missing = [name for name in _all_capabilities(host) if name not in held]
    if len(held) > len(missing):
        seen = f"{len(held)} held; missing: {', '.join(missing) or 'none'}"
    else:
        seen = f"held: {', '.join(held) or 'none'}; missing: {', '.join(lacking)}"
        seen += f" (needed here), and {len(missing) - len(lacking)} more"
    state = GAP if lacking else (INFO if missing else OK)
    yield Finding("capabilities", "capabilities", state, seen, fix if lacking else "")


def programs(host: Host) -> Iterator[Finding]:
    """Yield the programs that the course calls, with the line that installs each."""
    group = "programs"
    yield _busybox(host)
    for name, (program, package, title) in PROGRAMS.items():
        path = host.which(program)
        state, seen = (OK, path) if path else (GAP, f"there is no program {program}")
        fix = "" if path else host.install(package)
        if path and name == "podman" and ROOM in os.environ:
            state, seen, fix = GAP, "in a room no engine runs", "outside of it: minidocker exam"
        yield Finding(name, title, state, seen, fix, group)
    yield _user_network(host)
    try:
        for fd in os.openpty():
            os.close(fd)
        seen = f"a pseudo-terminal can be opened; TERM={os.environ.get('TERM', '(not set)')}"
        yield Finding("terminal", "terminals", OK, seen, group=group)
    except (OSError, AttributeError) as problem:
        fix = host.as_root("mount -t devpts devpts /dev/pts")
        yield Finding("terminal", "terminals", GAP, f"none can be opened: {problem}", fix, group)


def lab(host: Host) -> Iterator[Finding]:
    """Yield whether this is the lab's virtual machine; to know it, no rule depends on it."""
    if host.read(LAB_MARKER) is not None:
        yield Finding("lab", "lab machine", OK, f"yes: {LAB_MARKER} is there")
    else:
        seen = "no: what goes wrong as root here goes wrong on your machine"
        yield Finding("lab", "lab machine", INFO, seen, LAB_MACHINE)
    inside = [name for name in ("/.dockerenv", "/run/.containerenv") if _exists(host, name)]
    cpu = host.read("/proc/cpuinfo") or ""
    virtual = "a virtual machine" if " hypervisor" in cpu else "no sign of a virtual machine"
    seen = f"inside a container already: {inside[0]} is there" if inside else virtual
    yield Finding("virt", "where it runs", INFO, seen)


def _busybox(host: Host) -> Finding:
    title, group = "busybox, static", "programs"
    path = host.which("busybox")
    fix = host.install("busybox-static")
    if path is None:
        return Finding("busybox", title, GAP, "there is no program busybox", fix, group)
    try:
        static = is_static(path)
    except (OSError, ValueError) as problem:
        return Finding("busybox", title, GAP, f"{path}: {problem}", fix, group)
    if not static:
        seen = f"{path} needs shared libraries, which the base image has not"
        return Finding("busybox", title, GAP, seen, fix, group)
    return Finding("busybox", title, OK, path, group=group)


def is_static(path: str) -> bool:
    """Return whether an ELF file names no loader (no PT_INTERP segment); ValueError for no ELF.

    See elf(5).
    """
    with open(path, "rb") as file:
        head = file.read(4096)
    if head[:4] != b"\x7fELF":
        raise ValueError("it is not an ELF program")
    wide, order = head[4] == 2, "little" if head[5] == 1 else "big"

    def number(at: int, size: int) -> int:
        return int.from_bytes(head[at : at + size], order)  # type: ignore[arg-type]

    start, size, count = (
        (number(32, 8), number(54, 2), number(56, 2))
        if wide
        else (number(28, 4), number(42, 2), number(44, 2))
    )
    return all(number(start + index * size, 4) != 3 for index in range(count))


def _user_network(host: Host) -> Finding:
    """Say whether an ordinary user's container can have a network."""
    name, title, group = "slirp4netns", "slirp4netns: users' networks", "programs"
    path, tun = host.which(name), "/dev/net/tun"
    if not path:
        return Finding(name, title, GAP, f"there is no program {name}", host.install(name), group)
    if ROOM in os.environ:
        fix = "outside of it, as an ordinary user: minidocker run -p 8080:80 base …"
        return Finding(name, title, GAP, f"{path}, but a room has no {tun}", fix, group)
    if not _exists(host, tun):
        seen, fix = f"{path}, but there is no {tun}", "modprobe tun"
    elif os.stat(host.path(tun)).st_mode & 0o006 != 0o006:
        seen, fix = f"{path}, but {tun} is for root alone", f"chmod 666 {tun}"
    else:
        return Finding(name, title, OK, f"{path}, and everybody may open {tun}", group=group)
    return Finding(name, title, GAP, seen, host.as_root(fix), group)


def _capabilities(host: Host) -> tuple[str, ...]:
    try:
        return processes.capabilities("self", host.path("/proc")).get("effective", ())
    except (LookupError, OSError):
        return ()


def _all_capabilities(host: Host) -> tuple[str, ...]:
    last = (host.read("/proc/sys/kernel/cap_last_cap") or "").strip()
    return processes.decode_capabilities((2 << int(last)) - 1) if last.isdigit() else ()


def _version(release: str) -> tuple[int, int]:
    numbers = release.replace("-", ".").split(".")[:2]
    return (int(numbers[0]), int(numbers[1])) if all(n.isdigit() for n in numbers) else (0, 0)


def _exists(host: Host, name: str) -> bool:
    return os.path.exists(host.path(name))
