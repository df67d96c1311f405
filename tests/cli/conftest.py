"""What tests of the real command share."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess]


@pytest.fixture
def alone(minidocker: Run, shared_store: Path, host_unchanged: None) -> Iterator[Run]:
    """Run commands; afterwards every container of the store is gone, and nothing else is left."""
    yield minidocker
    containers = shared_store / "containers"
    if ids := [name for name in os.listdir(containers) if name != "names"]:
        assert minidocker("rm", "-fv", *ids, timeout=20).returncode == 0
