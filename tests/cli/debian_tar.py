"""A real Debian root file system for the tests, made once with mmdebstrap and kept in the cache."""

from __future__ import annotations

import fcntl
import functools
import os
import shutil
import subprocess
from pathlib import Path

import pytest

INSTALL = "apt-get install mmdebstrap"


@functools.cache
def debian_tar() -> Path:
    """Return the archive (some 190 MB, with python3); skip the test as blocked if there is none.

    $MINIDOCKER_TEST_DEBIAN names one that is there already; else it is made, which takes 20 s and
    the network, and kept under $XDG_CACHE_HOME/minidocker.
    """
    if given := os.environ.get("MINIDOCKER_TEST_DEBIAN"):
        return Path(given)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "minidocker")
    cache.mkdir(parents=True, exist_ok=True)
    place = cache / "debian-bookworm.tar"
    with open(cache / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs make one archive
        if not place.exists():
            _make(place)
    return place


def _make(place: Path) -> None:
    if not shutil.which("mmdebstrap"):
        pytest.skip(f"blocked: no Debian root file system ({INSTALL})")
    fresh = place.with_suffix(".new.tar")
    command = ["mmdebstrap", "--quiet", "--variant=minbase", "--include=python3-minimal"]
    done = subprocess.run([*command, "bookworm", fresh], capture_output=True, text=True)
    if done.returncode:
        fresh.unlink(missing_ok=True)
        why = (done.stderr.strip().splitlines() or ["no word"])[-1]
        pytest.skip(f"blocked: mmdebstrap failed: {why} (it needs the network and root)")
    fresh.rename(place)
