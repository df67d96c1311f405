"""Debian's packages: which are wanted, which are missing, and how they come."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator

from minidocker.make.running import ROOT, Screen, ask, must, run

# Debian package: a program or file that shows it is there. The file is looked
# for on machines without dpkg.
PACKAGES = {
    "busybox-static": "busybox",
    "iproute2": "ip",
    "mount": "mount",
    "nftables": "nft",
    "openssl": "openssl",
    "procps": "ps",
    "slirp4netns": "slirp4netns",
    "strace": "strace",
    "uidmap": "newuidmap",
    "util-linux": "unshare",
}
PACKAGES_FOR_IMAGES = {"mmdebstrap": "mmdebstrap"}
PACKAGES_FOR_TESTS = {
    **PACKAGES_FOR_IMAGES,
    "git": "git",
    "chromium": "chromium",
    # the engine and the runtimes that ours is compared with
    "podman": "podman",
    "runc": "runc",
    "crun": "crun",
    # the gate of the other processor: read, and run
    "binutils-multiarch": "",
    "qemu-user": "qemu-aarch64",
    # other programs for images, which ours must understand
    "docker-registry": "docker-registry",
    "skopeo": "skopeo",
    "umoci": "umoci",
    "python3-seccomp": "",  # libseccomp, to compare our filters with
}
# a lab machine with the other processor, which `make test-more` builds
PACKAGES_FOR_ARM64 = {
    "qemu-system-arm": "qemu-system-aarch64",
    "qemu-user-static": "qemu-aarch64-static",
}
PACKAGES_FOR_VM = os.path.join(ROOT, "minidocker", "vm", "host-packages.txt")


def missing_packages(wanted: dict[str, str]) -> list[str]:
    """Return which of the wanted Debian packages are not installed."""
    if shutil.which("dpkg-query"):
        query = ["dpkg-query", "-W", "-f=${Package} ${db:Status-Status}\n", *wanted]
        # It exits 1 when one of them is unknown, and prints the others all the same.
        done = subprocess.run(query, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        have = {row.split()[0] for row in done.stdout.splitlines() if row.endswith(" installed")}
        return [name for name in wanted if name not in have]
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return [name for name, program in wanted.items() if not shutil.which(program, path=path)]


def packages(screen: Screen, wanted: dict[str, str]) -> None:
    """Install the Debian packages that are missing, or say the line that does."""
    screen.begin("Debian packages")
    missing = missing_packages(wanted)
    if not missing:
        return screen.end(f"all {len(wanted)} are there")
    if platform.system() != "Linux":
        return screen.end("skipped: this is not Linux, containers will need a virtual machine")
    if not shutil.which("apt-get"):
        return screen.end(f"this is no Debian; please install what gives: {' '.join(missing)}")
    if os.geteuid():
        screen.end(f"missing: {' '.join(missing)}")
        return print(f"      to install them: sudo apt-get install {' '.join(missing)}")
    with tempfile.TemporaryDirectory(prefix="minidocker-") as folder:
        done = install(missing, screen, os.path.join(folder, "apt.log"))
    note(done)
    without = [name for name in missing if name not in done]
    told = [f"installed {' '.join(done)}"] if done else []
    told += [f"not in this release: {' '.join(without)}"] if without else []
    screen.end("; ".join(told))


NOTES = os.path.join(ROOT, ".minidocker", "packages")


def note(names: list[str]) -> None:
    """Write down which packages came by us, for `make remove`."""
    if not names:
        return
    folder = os.path.dirname(NOTES)
    os.makedirs(folder, exist_ok=True)
    with open(NOTES, "a", encoding="ascii") as file:
        file.writelines(f"{name}\n" for name in names)
    owner = os.stat(ROOT)
    for path in (folder, NOTES):
        os.chown(path, owner.st_uid, owner.st_gid)


def noted() -> list[str]:
    """Return the packages that came by us and are still there."""
    try:
        with open(NOTES, encoding="ascii") as file:
            names = dict.fromkeys(word for word in file.read().split() if word.strip("-"))
    except OSError:
        return []
    gone = missing_packages(dict.fromkeys(names, ""))
    return [name for name in names if name not in gone]


def removable(names: list[str]) -> list[str]:
    """Return which of the packages nothing else on this machine needs: apt-get(8), --simulate."""
    told = ask(["apt-get", "--simulate", "remove", *names])
    taken = {row.split()[1] for row in told.splitlines() if row.startswith("Remv ")}
    return names if taken <= {*names} else []


POLICY = "/usr/sbin/policy-rc.d"
UNITS = "/etc/systemd/system"
SERVICES = ("docker-registry",)  # of these packages we want the program alone


@contextlib.contextmanager
def no_services() -> Iterator[None]:
    """Let no package start a service while it is installed: docker-registry would listen.

    Debian's maintainer scripts ask policy-rc.d first, with systemd and without: 101 is "no". A
    unit that is masked does not start at the next boot, either: systemctl(1), "mask".
    """
    for name in SERVICES:
        unit = f"{UNITS}/{name}.service"
        if os.path.isdir(UNITS) and not shutil.which(name) and not os.path.lexists(unit):
            os.symlink("/dev/null", unit)
    mine = not os.path.lexists(POLICY)
    if mine:
        with open(POLICY, "w", encoding="ascii") as file:
            file.write("#!/bin/sh\nexit 101\n")
        os.chmod(POLICY, 0o755)
    try:
        yield
    finally:
        if mine:
            os.unlink(POLICY)


def install(names: list[str], screen: Screen, log: str) -> list[str]:
    """Install Debian packages by apt-get, waiting for another apt to finish; return which."""
    apt = ["apt-get", "-o", "DPkg::Lock::Timeout=600", "-o", "APT::Color=0"]
    remedy = f"check the network, then try it by hand: apt-get install {' '.join(names)}"
    if ask(["dpkg", "--audit"]):  # an earlier installation was cut off
        run(["dpkg", "--configure", "-a"], screen, log)
    must([*apt, "update"], screen, log, "apt-get update", remedy)
    # Not every release has all: Ubuntu has Chromium as a snap only, and its test is then blocked.
    known = {row.split()[0] for row in ask(["apt-cache", "madison", *names]).splitlines()}
    names = [name for name in names if name in known]
    if not names:
        return []
    with no_services():
        must(
            [*apt, "install", "-y", "--no-install-recommends", *names],
            screen, log, "apt-get install", remedy,
            DEBIAN_FRONTEND="noninteractive",
        )  # fmt: skip
    return names


def packages_for_vm() -> dict[str, str]:
    """Return what the lab machine needs on its host.

    Only where there is dpkg: these are known by Debian's names alone.
    """
    if not shutil.which("dpkg-query"):
        return {}
    with open(PACKAGES_FOR_VM, encoding="utf-8") as lines:
        words = [line.partition("#")[0].strip() for line in lines]
    return {word: "" for word in words if word}
