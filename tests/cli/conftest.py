"""What tests of the real command share."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.oci_runtime import Runtime, cgroups

Run = Callable[..., subprocess.CompletedProcess]


@pytest.fixture
def alone(minidocker: Run, shared_store: Path, host_unchanged: None) -> Iterator[Run]:
    """Run commands; afterwards every container of the store is gone, and nothing else is left."""
    yield minidocker
    containers = shared_store / "containers"
    if ids := [name for name in os.listdir(containers) if name != "names"]:
        assert minidocker("rm", "-fv", *ids, timeout=20).returncode == 0


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root file system of busybox alone."""
    root = tmp_path_factory.mktemp("rootfs")
    root.chmod(0o755)
    for name in ("bin", "etc", "tmp", "data"):
        (root / name).mkdir()
    shutil.copy(shutil.which("busybox") or "/bin/busybox", root / "bin/busybox")
    listed = subprocess.run([root / "bin/busybox", "--list"], capture_output=True, text=True, check=True)
    for name in listed.stdout.split():
        if name != "busybox":
            (root / "bin" / name).symlink_to("busybox")
    (root / "etc/passwd").write_text("root:x:0:0:root:/:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n")
    (root / "data/old").write_text("from the image\n")
    return root


@pytest.fixture
def oci(tmp_path: Path, tree: Path) -> Iterator[Runtime]:
    before = cgroups()
    runtime = Runtime(tmp_path, tree)
    yield runtime
    if runtime.root.is_dir():
        for name in os.listdir(runtime.root):
            if not name.startswith("."):
                runtime("delete", "--force", name)
    assert cgroups() <= before, "a cgroup of ours is left"
