"""A container without a mount namespace: it runs, and the host's mounts are as they were."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.oci_runtime import Runtime
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.needs("root", "pidns", "netns", "busybox")


@pytest.fixture
def plain(oci: Runtime) -> Runtime:
    """A bundle of the host's mount namespace; runc refuses masks there, and so do we."""
    oci.linux["namespaces"] = [one for one in oci.linux["namespaces"] if one["type"] != "mount"]
    oci.linux.update(maskedPaths=[], readonlyPaths=[])
    return oci


def mounts(oci: Runtime) -> list[str]:
    """Return what is mounted here of this test's, in words that no mount of others changes."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return sorted(line.split(" ", 2)[2] for line in lines if str(oci.directory) in line)


def test_it_has_the_hosts_mounts_and_leaves_none(plain: Runtime, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine\n")
    bind = {"destination": "/home", "source": str(tmp_path), "type": "bind", "options": ["rbind"]}
    plain.config["mounts"].append(bind)
    plain.config["hooks"] = {"createContainer": [{"path": "/bin/sh", "args": ["sh", "-c", "ls -d ./bin >&2"]}]}
    before = mounts(plain)
    pid = plain.create("cat /home/mine; touch /x; readlink /proc/self/ns/mnt; exec sleep 1000")
    assert (plain.directory / "box.out").read_text() == "./bin\n"
    assert os.readlink(f"/proc/{pid}/ns/mnt") == os.readlink("/proc/self/ns/mnt")
    plain("start", "box")
    done = plain("exec", "box", "sh", "-c", "ls /proc/1 > /dev/null && ls /home && pwd")
    assert done.stdout.split() == [*sorted(os.listdir(tmp_path)), "/"]
    plain("delete", "--force", "box")
    said = (plain.directory / "box.out").read_text()
    assert "mine\n" in said and "Read-only file system" in said
    assert mounts(plain) == before and (tmp_path / "mine").exists() and (plain.tree / "bin").is_dir()


def test_what_it_shows_of_the_host_stays_mounted_there(plain: Runtime, tmp_path: Path) -> None:
    """Of a shared tree a copy is a peer: what is unmounted in one would be in the other."""
    script = """
set -e
mount -t tmpfs x "$0"; mount --make-shared "$0"; mkdir "$0/below"; mount -t tmpfs y "$0/below"
"$@" < /dev/null
grep -c " $0/below " /proc/self/mountinfo
grep -c "/state/" /proc/self/mountinfo || true
"""
    shown = tmp_path / "shown"
    shown.mkdir()
    bind = {"destination": "/home", "source": str(shown), "type": "bind", "options": ["rbind", "rshared"]}
    plain.config["mounts"].append(bind)
    plain.write("test -d /home/below && echo seen")
    runtime = [sys.executable, "-m", "minidocker", "oci", "--root", plain.root]
    call = ["unshare", "-m", "sh", "-c", script, shown, *runtime, "run", "--bundle", plain.bundle, "one"]
    done = subprocess.run(call, capture_output=True, text=True, timeout=60, cwd=REPOSITORY)
    assert done.stdout.split() == ["seen", "1", "0"], done.stderr


def change(key: str, value: Any) -> Callable[[Runtime], None]:
    return lambda oci: oci.linux.update({key: value})


@pytest.mark.parametrize(
    ("wrong", "options", "words"),
    [
        (change("maskedPaths", ["/proc/kcore"]), (), "unable to restrict sys entries without a private MNT namespace"),
        (change("readonlyPaths", ["/proc/sys"]), (), "unable to restrict sys entries without a private MNT namespace"),
        (lambda oci: oci.linux["namespaces"].append({"type": "user"}), (), ""),
        (lambda oci: None, ("--no-pivot",), "would move the host's own root"),
        (lambda oci: oci.config["annotations"].update({"minidocker.mine": "/tmp"}), (), "parts of yours"),
        (lambda oci: oci.config["mounts"].append({"destination": "/x", "type": "nosuch"}), (), "No such device"),
    ],
)  # fmt: skip
def test_what_would_change_the_host_is_refused(
    plain: Runtime, wrong: Callable[[Runtime], None], options: tuple[str, ...], words: str
) -> None:
    plain.config.setdefault("annotations", {})
    for key in ("uidMappings", "gidMappings"):
        plain.linux[key] = []
    before = mounts(plain)
    wrong(plain)
    refused = plain.run("true", *options, check=False)
    assert refused.returncode == 1 and words in refused.stderr
    assert mounts(plain) == before and not plain("list", "-q").stdout


def test_a_creation_that_was_cut_off_leaves_it_to_delete(plain: Runtime) -> None:
    before = mounts(plain)
    hook = {"path": "/bin/sh", "args": ["sh", "-c", "kill -9 $PPID"]}
    plain.config["hooks"] = {"createRuntime": [hook]}
    plain.write("true")
    plain("create", "--bundle", plain.bundle, "box", check=False)
    plain("delete", "--force", "box")
    assert mounts(plain) == before and (plain.tree / "bin").is_dir()
