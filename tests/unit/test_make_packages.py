"""Debian's packages for the tests: nothing of them may run afterwards."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from minidocker.make import packages


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "units").mkdir()
    monkeypatch.setattr(packages, "POLICY", str(tmp_path / "policy-rc.d"))
    monkeypatch.setattr(packages, "UNITS", str(tmp_path / "units"))
    monkeypatch.setenv("PATH", "/nowhere")  # /bin may have a docker-registry by now
    return tmp_path


def test_no_service_starts_while_a_package_is_installed(place: Path) -> None:
    with packages.no_services():
        asked = [str(place / "policy-rc.d"), "docker-registry", "start"]
        assert subprocess.run(asked).returncode == 101
    assert os.listdir(place) == ["units"]
    assert os.readlink(place / "units/docker-registry.service") == "/dev/null"


def test_a_policy_that_is_there_stays(place: Path) -> None:
    (place / "policy-rc.d").write_text("mine")
    with packages.no_services():
        assert (place / "policy-rc.d").read_text() == "mine"
    assert (place / "policy-rc.d").read_text() == "mine"


def test_a_service_that_somebody_runs_stays(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "docker-registry").write_text("#!/bin/sh\n")
    (place / "docker-registry").chmod(0o755)
    monkeypatch.setenv("PATH", str(place))
    with packages.no_services():
        pass
    assert os.listdir(place / "units") == []
