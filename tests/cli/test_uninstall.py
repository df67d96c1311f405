"""Undo all of it: said first, asked, done; and nothing of anybody else's is touched."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from minidocker.proc.lean import is_ending
from minidocker.verbs import uninstall as uninstalling
from minidocker.verbs.uninstall import STORE
from tests.cli.oci_runtime import Runtime

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def places(tmp_path: Path, shared_store: Path) -> dict[str, str]:
    """An environment with a store, a cache and a machine of this test alone."""
    shutil.copytree(shared_store, tmp_path / "store", symlinks=True)
    (tmp_path / "store" / "letter.txt").write_text("somebody's own")
    (tmp_path / "cache" / "box-bookworm-0").mkdir(parents=True)
    (tmp_path / "cache" / "box-bookworm-0" / "disk.qcow2").write_text("a disk")
    (tmp_path / "cache" / "other.txt").write_text("somebody's own")
    (tmp_path / "vm" / "lab").mkdir(parents=True)
    (tmp_path / "vm" / "lab" / "disk.qcow2").write_text("a disk")
    (tmp_path / "run").mkdir(mode=0o700)
    return {
        **os.environ, "MINIDOCKER_ROOT": str(tmp_path / "store"), "PYTHONPATH": str(REPOSITORY),
        "MINIDOCKER_CACHE": str(tmp_path / "cache"), "MINIDOCKER_VM": str(tmp_path / "vm"),
        "XDG_RUNTIME_DIR": str(tmp_path / "run"),
    }  # fmt: skip


@pytest.fixture
def uninstall(command: list[str], places: dict[str, str]) -> Callable[..., str]:
    """Run `minidocker uninstall`, with no terminal to ask on; both streams."""

    def run(*words: str, status: int = 0) -> str:
        done = subprocess.run(
            [*command, "uninstall", *words], env=places, capture_output=True, text=True, timeout=60,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == status, done.stderr
        return done.stdout + done.stderr

    return run


def tree(path: Path) -> set[str]:
    return {str(one.relative_to(path)) for one in path.rglob("*")}


def test_it_says_what_would_go_and_touches_nothing(
    uninstall: Callable[..., str], tmp_path: Path
) -> None:
    before = tree(tmp_path)
    told = uninstall("--dry-run")
    assert f"{tmp_path}/store: images, containers, volumes and networks" in told
    assert f"the lab machine {tmp_path}/vm/lab" in told
    assert f"{tmp_path}/cache: boxes and wheels" in told
    assert "nobody can answer here" in uninstall(status=1)
    assert tree(tmp_path) == before


def test_afterwards_only_what_is_somebody_elses_is_there(
    uninstall: Callable[..., str], tmp_path: Path
) -> None:
    told = uninstall("--yes")
    assert tree(tmp_path) == {"store", "store/letter.txt", "cache", "cache/other.txt", "run"}
    assert f"kept: {tmp_path}/store, which holds other things" in told
    assert uninstall("--yes") == "There is nothing of minidocker's on this machine.\n"


@pytest.mark.needs("root", "pidns", "mntns", "overlay")
def test_a_container_that_runs_is_named_and_ended(
    uninstall: Callable[..., str], command: list[str], places: dict[str, str], tmp_path: Path
) -> None:
    argv = [*command, "run", "--rm", "--name", "busy", "--network", "none", "base", "sleep", "600"]
    running = subprocess.Popen(argv, env=places, stdin=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while " busy" not in uninstall("--dry-run") and time.monotonic() < deadline:
            time.sleep(0.1)
        assert "end the container" in uninstall("--yes")
        assert running.wait(60) in (137, -9)
    finally:
        running.kill()
        running.wait()
    assert tree(tmp_path / "store") == {"letter.txt"}


def test_nothing_that_a_store_may_hold_is_forgotten(shared_store: Path) -> None:
    """Neither what the code names as its place there, nor what these tests have made in one."""
    named = {
        call.args[0].value
        for path in (REPOSITORY / "minidocker").rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and ast.unparse(call.func) in ("store.path", "self.store.path")
        and call.args and isinstance(call.args[0], ast.Constant)
    }  # fmt: skip
    assert {"blobs", "incoming", "pod"} <= named
    assert (named | set(os.listdir(shared_store))) - set(STORE) == set()


def test_packages_that_others_need_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from minidocker.make import packages

    apt = tmp_path / "apt-get"
    apt.write_text("#!/bin/sh\necho 'Remv strace [6.1]'\nif [ $# = 4 ]; then echo 'Remv their-tool'; fi\n")
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert packages.removable(["strace"]) == ["strace"]
    assert packages.removable(["strace", "nftables"]) == []


def test_make_notes_what_it_installs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from minidocker.make import packages

    monkeypatch.setattr(packages, "ROOT", str(tmp_path))
    monkeypatch.setattr(packages, "NOTES", str(tmp_path / ".minidocker" / "packages"))
    monkeypatch.setattr(packages, "missing_packages", lambda wanted: ["nftables"])
    assert packages.noted() == []
    packages.note([])
    assert not (tmp_path / ".minidocker").exists()
    packages.note(["strace", "nftables"])
    packages.note(["strace"])
    assert packages.noted() == ["strace"]


@pytest.mark.parametrize("word", ["", "--yes"])
def test_make_remove_says_all_of_it_first(
    word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from minidocker import bootstrap
    from minidocker.make.running import Trouble

    said = tmp_path / "said"
    fake = tmp_path / "bin" / "minidocker"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\necho This will be removed: $*\necho $* >> {said}\n")
    fake.chmod(0o755)
    monkeypatch.setattr(bootstrap, "VENV", str(tmp_path))
    monkeypatch.setattr(bootstrap, "noted", lambda: ["strace"])
    monkeypatch.setattr(bootstrap, "empty_folder", lambda: None)
    monkeypatch.setattr(bootstrap, "remove_packages", lambda names: print("packages:", *names))
    monkeypatch.setattr(sys, "stdin", open(os.devnull))
    if not word:
        with pytest.raises(Trouble, match="nobody can answer"):
            bootstrap.remove()
        assert said.read_text() == "uninstall --dry-run\n"
        return
    assert bootstrap.remove(word) == 0
    assert said.read_text() == "uninstall --dry-run\nuninstall --yes\n"
    told = capfd.readouterr().out
    assert "Debian packages that `make` installed: strace" in told and "packages: strace" in told


@pytest.mark.needs("root", "pidns", "mntns", "netns", "busybox")
def test_containers_of_the_oci_runtime_are_named_and_ended(oci: Runtime) -> None:
    pid = oci.create("sleep 600")
    oci.create("sleep 600", "second")
    oci("start", "second")
    todo = list(uninstalling.of_the_runtime(str(oci.root)))
    ends = [f"end the container {name} of the OCI runtime, made of {oci.bundle}" for name in ("box", "second")]
    assert [step.says for step in todo] == [*ends, f"{oci.root}: records of the OCI runtime"]
    for step in todo:
        step.do()
    assert not oci.root.exists()
    assert is_ending(pid) or not os.path.exists(f"/proc/{pid}")  # who reaps it is not ours
    assert list(uninstalling.of_the_runtime(str(oci.root))) == []


def test_what_another_user_may_change_says_nothing_of_what_is_removed(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    (theirs / "box").mkdir(parents=True)
    (theirs / "box" / "lock").touch()
    theirs.chmod(0o777)
    assert list(uninstalling.of_the_runtime(str(theirs))) == []
