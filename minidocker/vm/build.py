"""Build the box: a Debian disk with the course in it, its kernel, and a key that opens it.

No network is needed but Debian's and Python's package servers, no loop mount, no KVM. The tree is
made by mmdebstrap, finished in a chroot at the host's own speed by guest/box.sh, and becomes a disk
by `mkfs.ext4 -d`. The kernel is booted directly, so there is no partition and no boot loader.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from minidocker.doctor import lab_arch, lab_probe
from minidocker.errors import Blocked, MinidockerError
from minidocker.proc.machine import Host
from minidocker.vm import course, foreign, places
from minidocker.vm.phases import Phases

ELSEWHERE = "name another place: MINIDOCKER_CACHE=/elsewhere"


@dataclass(frozen=True)
class Box:
    """A built box; its files lie in `directory`."""

    directory: Path
    suite: str
    kernel_version: str
    course: str  # course.digest() of the copy inside
    seconds: float  # what the build took
    sizes: dict[str, int]  # of its files, in bytes: a box of which one was cut short is none

    @property
    def disk(self) -> Path:
        """The disk, qcow2; never written to: machines write to layers over it."""
        return self.directory / "disk.qcow2"

    @property
    def kernel(self) -> Path:
        """The kernel to boot."""
        return self.directory / "vmlinuz"

    @property
    def initrd(self) -> Path:
        """What the kernel unpacks first: the drivers that find the disk."""
        return self.directory / "initrd.img"

    @property
    def key(self) -> Path:
        """The private key that opens root, vagrant and learner."""
        return self.directory / "key"

    @property
    def vagrant(self) -> Path:
        """The same as a file for `vagrant box add`."""
        return self.directory / "minidocker.box"


def recipe(suite: str) -> str:
    """Return a hash of all that a box is made from, but for the course: 12 hexadecimal digits."""
    total = hashlib.sha256()
    for path in sorted((places.COURSE / "guest").rglob("*")):
        if path.is_file() and (path.suffix in (".sh", ".txt") or path.parent.name != "guest"):
            total.update(path.name.encode() + b"\0" + path.read_bytes())
    words = [word for word in debootstrap(suite) if str(places.COURSE) not in word]
    total.update("\n".join([suite, *words, *requirements()]).encode())
    return total.hexdigest()[:12]


def requirements() -> list[str]:
    """Return the Python packages that the machine holds, from pyproject.toml.

    guest/provision.sh picks the same ones. No browser runs in the machine.
    """
    project = tomllib.loads((places.COURSE / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    lines = [*project["dependencies"], *extras["learn"], *extras["test"]]
    return sorted(line for line in lines if not line.startswith((project["name"], "playwright")))


def find(suite: str) -> Box | None:
    """Return the box that today's recipe gives, when it has been built."""
    directory = _place(suite)
    try:
        box = Box(directory, **json.loads((directory / "box.json").read_text()))
        found = {name: (directory / name).stat().st_size for name in box.sizes}
    except (OSError, ValueError, TypeError):
        return None
    return box if found == box.sizes else None


def _place(suite: str) -> Path:
    """Return where the box of today's recipe stands; those of two processors beside each other."""
    return places.cache() / f"box-{suite}{lab_arch.chosen().tag}-{recipe(suite)}"


def need_programs(also: Mapping[str, str] | None = None) -> None:
    """Raise Blocked when a program that builds boxes is missing, or one of {program: package}."""
    _need({**lab_probe.to_build(), **(also or {})}, "building a lab machine")
    if os.geteuid():
        raise Blocked("building a lab machine needs root", "sudo make box")
    foreign.need()


def need_to_boot(suite: str) -> None:
    """Raise Blocked when anything is missing that `vm up` will want, before minutes are spent."""
    if suite not in places.SUITES or find(suite):
        _need(lab_probe.to_boot(), "starting the lab machine")
    else:
        need_programs(lab_probe.to_boot())


def _need(programs: Mapping[str, str], what: str) -> None:
    host = Host()
    if lacking := lab_probe.missing(host, programs):
        packages = ", ".join(sorted(set(lacking.values())))
        raise Blocked(f"{what} needs {packages}", lab_probe.install(host, lacking))


def build(suite: str = "bookworm", fresh: bool = False) -> Box:
    """Return the box for a Debian release; build it when it is not there, or `fresh` is asked.

    A build that is stopped leaves nothing; two at once wait for one another.
    """
    if suite not in places.SUITES:
        known = ", ".join(places.SUITES)
        raise MinidockerError(f"there is no recipe for Debian {suite}", f"one of: {known}")
    found = None if fresh else find(suite)
    if found:
        return found
    need_programs()
    with alone() as cache:
        found = None if fresh else find(suite)  # another build may have made it meanwhile
        return found or _build(suite, cache)


@contextlib.contextmanager
def alone() -> Iterator[Path]:
    """Hold the cache's lock; remove what a build that was killed left there."""
    cache = places.cache()
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("another build is running; waiting for it", file=sys.stderr, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        for left in cache.glob("building-*"):
            remove_tree(left)
        yield cache


def remove_tree(path: Path) -> None:
    """Remove a directory tree; refuse when something is mounted in it, such as the host's /dev."""
    mounts = Path("/proc/self/mountinfo")
    if mounts.exists() and any(
        line.split()[4].startswith(f"{path}/") for line in mounts.read_text().splitlines()
    ):
        raise MinidockerError(
            f"something is mounted in {path}", f"findmnt -R {path}, and umount it"
        )
    shutil.rmtree(path, ignore_errors=True)


def remove(path: Path) -> None:
    """Remove a file or a tree."""
    if path.is_dir() and not path.is_symlink():
        remove_tree(path)
    else:
        path.unlink(missing_ok=True)


def need_room(place: Path, megabytes: int, what: str, remedy: str) -> None:
    """Raise MinidockerError when a disk is too full for what comes next."""
    room = shutil.disk_usage(place).free >> 20
    if room < megabytes:
        said = f"{place} has {room} MB free, and {what} takes {megabytes} MB"
        raise MinidockerError(said, remedy)


def _build(suite: str, cache: Path) -> Box:
    need_room(cache, 4096, "building a box", f"make room, or {ELSEWHERE}")
    target = _place(suite)
    log = cache / f"build-{suite}{lab_arch.chosen().tag}.log"
    log.write_text("")
    phases = Phases(log)
    work = Path(tempfile.mkdtemp(prefix="building-", dir=cache))
    # mmdebstrap drops to the user _apt, who must get through to its tree.
    work.chmod(0o755)
    try:
        _make(suite, work, phases, cache)
        version = (work / "kernel").read_text().strip()
        sizes = {path.name: path.stat().st_size for path in work.iterdir() if path.is_file()}
        box = Box(target, suite, version, course.digest(), round(phases.total(), 1), sizes)
        facts = {name: value for name, value in asdict(box).items() if name != "directory"}
        (work / "box.json").write_text(json.dumps(facts))
        remove_tree(target)
        work.rename(target)
    finally:
        remove_tree(work)
    for old in cache.glob(f"{target.name.rpartition('-')[0]}-*"):
        if old != target and not _in_use(old):
            remove_tree(old)
    size = box.disk.stat().st_size >> 20
    print(f"box: Debian {suite}, Linux {box.kernel_version}, {size} MB, "
          f"{box.seconds:.0f} s in all: {box.directory}", file=sys.stderr)  # fmt: skip
    return box


def _in_use(box: Path) -> bool:
    """Say whether a machine's disk lies over this box."""
    return any(str(box) in link.read_text() for link in places.state().glob("*/box"))


def _make(suite: str, work: Path, phases: Phases, cache: Path) -> None:
    """Fill `work` with the box's files, phase by phase."""
    with phases("wheels"):
        wheels = fetch_wheels(suite, cache, phases)
        phases.result(f"{len(list(wheels.glob('*.whl')))} Python packages")
        if lab_arch.chosen().foreign:
            argv = [*_pip(work), "install"]
            foreign.venv(suite, work / "lab", argv, wheels, requirements(), phases)
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "minidocker lab", "-f", work / "key"],
        check=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    (work / "course.tar").write_bytes(course.archive())
    raw = work / "disk.raw"
    with phases("Debian and the course"):
        environment = {
            "GUEST": str(places.COURSE / "guest"), "COURSE": str(work / "course.tar"),
            "DISK": str(raw), "WHEELS": str(wheels), "KEY": str(work / "key.pub"),
            "BOOT": str(work), "VENV": str(work / "lab"), "TMPDIR": str(work), "LC_ALL": "C",
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONPATH": str(places.COURSE),
        }  # fmt: skip
        # On a terminal mmdebstrap draws bars; without one it says a line a step.
        phases.run(foreign.command(debootstrap(suite)), "check the network, then try again",
                   env=environment,
                   telling=lambda line: line.startswith(("I: ", "provision: ")))  # fmt: skip
    with phases("disk image"):
        phases.run(["qemu-img", "convert", "-O", "qcow2", raw, work / "disk.qcow2"])
        raw.unlink()
        (work / "course.tar").unlink()
        remove_tree(work / "lab")
        (work / "key").chmod(0o600)


def debootstrap(suite: str) -> list[str]:
    """Return mmdebstrap's command line; man 1 mmdebstrap."""
    arch = lab_arch.chosen()
    lines = (places.COURSE / "guest/packages.txt").read_text().format(arch=arch.debian)
    packages = [word for line in lines.splitlines() for word in line.split("#")[0].split()]
    other = [f"--architectures={arch.debian}", *foreign.OPTIONS] if arch.foreign else []
    return [
        "mmdebstrap", *other, "--variant=minbase", "--format=null", '--aptopt=Acquire::Retries "5"',
        f"--include={','.join(packages)}",
        # English manual pages stay: the notebooks send readers to them. Copyright files stay, too.
        "--dpkgopt=path-exclude=/usr/share/man/??/*",
        "--dpkgopt=path-exclude=/usr/share/man/??[_.@]*",
        "--dpkgopt=path-exclude=/usr/share/locale/*", "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-include=/usr/share/doc/*/copyright",
        f"--customize-hook={places.COURSE}/guest/box.sh", suite, "-",
    ]  # fmt: skip


def fetch_wheels(suite: str, cache: Path, phases: Phases) -> Path:
    """Download the Python packages for the box's Python, and return their directory.

    Installing them inside the machine would take minutes, and it has no network.
    """
    wanted = requirements()
    name = hashlib.sha256("\n".join(wanted).encode()).hexdigest()[:12]
    arch = lab_arch.chosen()
    target = cache / f"wheels-{suite}{arch.tag}-{name}"
    if target.is_dir():
        return target
    work = Path(tempfile.mkdtemp(prefix="building-", dir=cache))
    try:
        argv = [*_pip(work), "download", "--quiet", "--no-input", "--dest", work / "wheels"]
        argv += [*foreign.its_python(suite), *wanted]
        phases.run(argv, "check the network, then try again")
        (work / "wheels").rename(target)
    finally:
        remove_tree(work)
    return target


def _pip(work: Path) -> list[str | Path]:
    """Return the start of a pip command line: this Python's own, or one that is made now."""
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode:
        subprocess.run([sys.executable, "-m", "venv", work / "venv"], check=True)
        return [work / "venv/bin/python", "-m", "pip"]
    return [sys.executable, "-m", "pip"]


def pack(box: Box, phases: Phases | None = None) -> Path:
    """Return the box as a file for Vagrant's libvirt provider; made when it is not there.

    https://vagrant-libvirt.github.io/vagrant-libvirt/boxes.html
    """
    if box.vagrant.exists():
        return box.vagrant
    phases = phases or Phases()
    need_room(box.directory, 1024, "a box file for Vagrant", f"make room, or {ELSEWHERE}")
    with phases("Vagrant box file"):
        size = json.loads(subprocess.run(
            ["qemu-img", "info", "--output=json", box.disk], capture_output=True, check=True
        ).stdout)["virtual-size"]  # fmt: skip
        facts = {"provider": "libvirt", "format": "qcow2", "virtual_size": size >> 30}
        part = box.vagrant.with_suffix(".part")
        meta = box.directory / "metadata.json"
        meta.write_text(json.dumps(facts))
        try:
            with tarfile.open(part, "w:gz", compresslevel=1) as tar:
                tar.add(meta, "metadata.json")
                tar.add(box.disk, "box.img")
            part.rename(box.vagrant)
        finally:
            part.unlink(missing_ok=True)
        phases.result(f"{box.vagrant.stat().st_size >> 20} MB")
    return box.vagrant


def age(box: Box) -> float:
    """Return how old a box is, in days."""
    return (time.time() - (box.directory / "box.json").stat().st_mtime) / 86400


__all__ = ["Box", "age", "build", "find", "need_room", "pack"]
