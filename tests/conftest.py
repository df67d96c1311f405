"""What all tests share: what the machine must offer, and a host that is the same afterwards."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@functools.cache
def missing(feature: str) -> str:
    """Say why this machine lacks a feature of the doctor's, with the line that helps; "" if it has."""
    if feature == "root":
        return "" if os.geteuid() == 0 else "blocked: needs root (sudo make test)"
    from minidocker.doctor.doctor import features

    finding = _features().get(feature) if features else None
    if finding is None:
        raise pytest.UsageError(f"the doctor knows no feature {feature!r}")
    return "" if finding.ok else f"blocked: {finding.title}: {finding.seen} ({finding.fix})"


@functools.cache
def _features() -> dict:
    from minidocker.doctor.doctor import features

    return features()


def pytest_configure() -> None:
    """Hear Ctrl-C, whoever started us: a shell's `command &` ignores it, and so would all we start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Report a test as blocked, with its reason, where the machine lacks what it needs."""
    for item in items:
        for marker in item.iter_markers("needs"):
            for feature in marker.args:
                if reason := missing(feature):
                    item.add_marker(pytest.mark.skip(reason=reason))
                    break


@pytest.fixture(scope="session")
def command() -> list[str]:
    """The command line that starts minidocker in this interpreter."""
    return [sys.executable, "-m", "minidocker"]


def make_store(root: Path, command: list[str]) -> Path:
    """Make a store with the image `base` in it."""
    env = {**os.environ, "MINIDOCKER_ROOT": str(root)}
    subprocess.run([*command, "image", "build-base"], env=env, check=True, capture_output=True)
    return root


@pytest.fixture(scope="session")
def shared_store(tmp_path_factory: pytest.TempPathFactory, command: list[str]) -> Path:
    """A store of the tests' own with the image `base` in it; who makes images has another one."""
    return make_store(tmp_path_factory.mktemp("store"), command)


@pytest.fixture
def minidocker(
    command: list[str], shared_store: Path
) -> Callable[..., subprocess.CompletedProcess]:
    """Run the real command on the shared store; text output, never a terminal."""

    def run(*args: str, timeout: float = 60, **more: object) -> subprocess.CompletedProcess:
        env = {**os.environ, "MINIDOCKER_ROOT": str(shared_store), **more.pop("env", {})}
        more.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run(
            [*command, *args], env=env, capture_output=True, text=True, timeout=timeout,
            errors="surrogateescape", cwd=more.pop("cwd", REPOSITORY), **more,
        )  # fmt: skip

    return run


@pytest.fixture
def host_unchanged(shared_store: Path) -> Iterator[None]:
    """Compare mounts, links, cgroups and containers of the host before and after."""
    before = host_state(shared_store)
    yield
    end = time.monotonic() + 10  # the kernel takes a cable with its namespace, in its own time
    while (after := host_state(shared_store)) != (fair := unless_ours(before, after)):
        if time.monotonic() > end:
            break
        time.sleep(0.05)
    assert after == fair


def unless_ours(before: dict, after: dict) -> dict:
    """Leave out what an earlier test has killed: its bridge and its directory go with the next."""
    gone = {
        name for name in before["links"]
        if name.startswith(("mdk", "mdv")) and name not in after["links"]
    }  # fmt: skip
    return {
        **before,
        "links": [name for name in before["links"] if name not in gone],
        "containers": [name for name in before["containers"] if name in after["containers"]],
    }


@pytest.fixture
def mounts_now(shared_store: Path) -> Callable[[], list[str]]:
    """Return the mounts that our code could have made, each time that it is called."""
    return lambda: own_mounts(shared_store)


def own_mounts(store: Path) -> list[str]:
    """The mounts of this mount namespace that our code could have made: those of the store.

    A bench that runs beside us has Podman make some of its own.
    """
    table = Path("/proc/self/mountinfo").read_text().splitlines()
    ours = [line for line in table if str(store) in line or "minidocker" in line]
    return [line for line in ours if "/minidocker-bench-" not in line]


def foreign(link: str, store: Path) -> bool:
    """Say whether a bridge or a cable of minidocker's is another store's: tests of others run, too."""
    if not link.startswith(("mdk", "mdv")):
        return False
    from minidocker.kernel.linux import Linux
    from minidocker.net.networks import Networks

    bridge = link if link.startswith("mdk") else f"{link}/master"
    try:
        address = Path(f"/sys/class/net/{bridge}/address").read_text().strip()
    except OSError:
        return True  # it went while we looked, so nobody has left it
    return address != Networks(Linux(), str(store)).mac()


def host_state(store: Path) -> dict[str, Any]:
    """What a run might leave on the host."""
    containers = store / "containers"
    return {
        "mounts": own_mounts(store),
        "links": [name for name in sorted(os.listdir("/sys/class/net")) if not foreign(name, store)],
        "hostname": os.uname().nodename,
        "cgroups": sorted(os.listdir("/sys/fs/cgroup/minidocker"))
        if os.path.isdir("/sys/fs/cgroup/minidocker")
        else [],
        "containers": sorted(p.name for p in containers.iterdir() if p.name != "names")
        if containers.is_dir()
        else [],
    }
