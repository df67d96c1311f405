"""`make vm`, `make vm-down`: the Vagrant machine on a host that has nothing; then nothing is left.

What was made is written to state()/vagrant/before.json as the first thing, so that `down` works
after any kind of end.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from minidocker.doctor import lab_arch
from minidocker.errors import Blocked, MinidockerError, UsageError
from minidocker.vm import accel, build, host_state, libvirt, places, sync_watch
from minidocker.vm.hardware import free_port, number
from minidocker.vm.phases import Phases
from minidocker.vm.qemu import kernel_line

NETWORK = "vagrant-libvirt"  # the plugin's name for its management network
POOL = "default"
FOUND = sync_watch.FOLDER / "lab.json"  # read by the Vagrantfile


def up(suite: str = "bookworm") -> int:
    """Bring the Vagrant machine up; the last line printed is JupyterLab's address."""
    if lab_arch.chosen().foreign:
        raise UsageError("Vagrant's machine has this computer's own processor",
                         "unset MINIDOCKER_ARCH, or: minidocker vm up")  # fmt: skip
    with _alone() as directory:
        phases = Phases(directory / "log")
        with phases("packages"):
            phases.result(packages(phases))
        before = directory / "before.json"
        if not before.exists():
            facts = {"host": host_state.look(), "boxes": _boxes(), "pool": _pool()}
            before.write_text(json.dumps(facts))
        box = None if os.environ.get("MINIDOCKER_BOX") else build.build(suite)
        with phases("libvirt"):
            ours = libvirt.start(directory)
            phases.result("started by hand" if ours else "runs")
        _find_out(box, phases)
        build.need_room(Path("/var/lib"), 2048, "the machine's disk", "make room there")
        started = time.monotonic()
        status = _vagrant("up", "--provider=libvirt")
        if status and (sync_watch.FOLDER / "machines").is_dir():
            # One whose start was cut off refuses ssh for a moment, and Vagrant gives up at once.
            print("the machine did not answer: once more", file=sys.stderr)
            status = _vagrant("up", "--provider=libvirt")
        print(f"vagrant up             {time.monotonic() - started:5.1f} s", file=sys.stderr)
        if status:
            raise MinidockerError(
                f"vagrant up ended with status {status}; its words are above",
                "run it again: it goes on from here; or make vm-down",
                1,
            )
        _say_address()
    return 0


def packages(phases: Phases) -> str:
    """Install what is missing, as root; otherwise say the line that does."""
    lines = Path(__file__).with_name("host-packages.txt").read_text().splitlines()
    wanted = [word for line in lines if (word := line.partition("#")[0].strip())]
    query = ["dpkg-query", "-W", "-f=${Package} ${db:Status-Status}\n", *wanted]
    try:
        rows = subprocess.run(query, capture_output=True, text=True).stdout.splitlines()
    except FileNotFoundError:
        if shutil.which("vagrant") and shutil.which("virsh"):
            return "Vagrant and libvirt are there"
        raise Blocked("this is no Debian; install Vagrant and vagrant-libvirt yourself",
                      "or: minidocker vm up, which needs QEMU alone") from None  # fmt: skip
    have = {row.split()[0] for row in rows if row.endswith(" installed")}
    missing = [name for name in wanted if name not in have]
    if not missing:
        return f"all {len(wanted)} are there"
    line = f"apt-get install --no-install-recommends {' '.join(missing)}"
    if os.geteuid():
        raise Blocked(f"{len(missing)} Debian packages are missing", f"sudo {line}")
    apt = ["apt-get", "-o", "DPkg::Lock::Timeout=600"]
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    phases.run([*apt, "update"], "check the network, then try again", env=quiet)
    phases.run([*apt, "install", "-y", "--no-install-recommends", *missing], line, env=quiet)
    return f"installed {len(missing)}"


def _find_out(box: build.Box | None, phases: Phases) -> None:
    """Write down for the Vagrantfile what this host can do."""
    facts = {"LAB_PYTHON": sys.executable}
    if box is not None:
        name = f"minidocker/{box.directory.name}"
        with phases("box in Vagrant"):
            if name not in _boxes():
                _add(box, name, phases)
            phases.result(name)
        with phases("accelerator"):
            found = accel.choose(box.kernel)
            phases.result(f"{found.name}: {found.reason}")
        # Nothing is fetched in our own box, so its network leads nowhere.
        facts |= {"MINIDOCKER_BOX": name, "LAB_BOX_DIR": str(box.directory), "LAB_NETWORK": "none",
                  "LAB_DRIVER": "kvm" if found.name == "kvm" else "qemu",
                  "LAB_KERNEL_LINE": kernel_line()}  # fmt: skip
    if not _forwarding():
        facts["MINIDOCKER_PORT"] = str(free_port(number("MINIDOCKER_PORT", 8888, 1024, 65000)))
    elif FOUND.exists():
        facts["MINIDOCKER_PORT"] = json.loads(FOUND.read_text()).get("MINIDOCKER_PORT", "8888")
    sync_watch.FOLDER.mkdir(exist_ok=True)
    FOUND.write_text(json.dumps(facts))


def _add(box: build.Box, name: str, phases: Phases) -> None:
    """Give Vagrant the box as a file; one that it cannot read is packed once more."""
    home = Path(os.environ.get("VAGRANT_HOME", "~/.vagrant.d")).expanduser()
    for again in (True, False):
        build.pack(box)
        remedy = "make room, or name another place: VAGRANT_HOME=/elsewhere"
        build.need_room(home if home.exists() else home.parent, 2048, "unpacking the box", remedy)
        try:
            phases.run(["vagrant", "box", "add", "--provider", "libvirt", "--name", name,
                        str(box.vagrant)], "make vm, again", env=_environment())  # fmt: skip
            return
        except MinidockerError:
            box.vagrant.unlink(missing_ok=True)  # it may have been cut short
            if not again:
                raise


def _forwarding() -> bool:
    """Say whether the machine is up: then the port is taken by its own forwarding."""
    return bool((libvirt.virsh("list", "--name") or "").strip())


def _environment() -> dict[str, str]:
    return {"VAGRANT_CHECKPOINT_DISABLE": "1", "VAGRANT_CWD": str(places.COURSE)}


def _vagrant(*words: str) -> int:
    """Run Vagrant with its words on our screen; --no-tty, or its bars flood a log."""
    argv = ["vagrant", "--no-tty", *words]
    return subprocess.run(
        argv, env={**os.environ, **_environment()}, cwd=places.COURSE, stdin=subprocess.DEVNULL
    ).returncode


def _boxes() -> list[str]:
    """Return the names of the boxes that Vagrant has."""
    if not shutil.which("vagrant"):
        return []
    done = subprocess.run(
        ["vagrant", "box", "list"], capture_output=True, text=True, stdin=subprocess.DEVNULL,
        env={**os.environ, **_environment()},
    )  # fmt: skip
    return [line.split()[0] for line in done.stdout.splitlines() if "(libvirt" in line]


def _pool() -> bool:
    """Say whether libvirt has a default pool; when it does not run, there is none of ours."""
    return POOL in (libvirt.virsh("pool-list", "--all", "--name") or "").split()


def _say_address() -> None:
    """Repeat the address, so that it is the last line."""
    with contextlib.suppress(OSError):
        print((sync_watch.FOLDER / "address").read_text().strip())


def down() -> int:
    """Remove all that `up` made and compare the host; exit status 1 when something is left."""
    with _alone() as directory:
        before = directory / "before.json"
        if not before.exists():
            print("there is no Vagrant machine of ours")
            return 0
        facts = json.loads(before.read_text())
        phases = Phases(directory / "log")
        with phases("machine"):
            _destroy(directory, phases)
        with phases("libvirt"):
            _undo(facts, directory)
        with phases("comparing"):
            left = host_state.changes(facts["host"], host_state.look())
            phases.result("; ".join(left) or "the host is as it was")
        shutil.rmtree(sync_watch.FOLDER, ignore_errors=True)
        before.unlink()
    return 1 if left else 0


def _destroy(directory: Path, phases: Phases) -> None:
    """Destroy the machine; the learner's work is carried out of it first."""
    if shutil.which("vagrant") and (sync_watch.FOLDER / "machines").is_dir():
        with contextlib.suppress(Blocked):
            libvirt.start(directory)  # it may have died
        if _vagrant("destroy", "-f"):
            raise MinidockerError(
                "vagrant destroy failed; its words are above",
                "LAB_FORCE=1 make vm-down goes on without saving work",
                1,
            )
    sync_watch.end_watcher()


def _undo(facts: dict[str, object], directory: Path) -> None:
    """Remove boxes, volumes, network, pool, daemons and chains that were not there before."""
    had = facts["boxes"]
    assert isinstance(had, list)
    for name in _boxes():
        if name.startswith("minidocker/") and name not in had:
            subprocess.run(["vagrant", "box", "remove", "-f", "--all", name],
                           capture_output=True, env={**os.environ, **_environment()})  # fmt: skip
    libvirt.remove_volumes("minidocker-VAGRANTSLASH-")
    host = facts["host"]
    assert isinstance(host, dict)
    if "libvirtd" in host["programs"]:
        return  # it is not ours: what others use stays
    libvirt.remove_network(NETWORK)
    if not facts["pool"]:
        libvirt.virsh("pool-destroy", POOL)
        libvirt.virsh("pool-undefine", POOL)
    libvirt.end(directory)
    if not any("LIBVIRT" in rule for rule in host["rules"]):
        libvirt.remove_chains()
    if host["ip_forward"] == ["0"]:
        with contextlib.suppress(OSError):
            host_state.FORWARD.write_text("0\n")


@contextlib.contextmanager
def _alone() -> Iterator[Path]:
    """Hold the lock of the Vagrant machine's state."""
    directory = places.state() / "vagrant"
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(directory / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("another `make vm` is at work; waiting for it", file=sys.stderr)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield directory
