"""docs/advisories.md: every advisory has a test or an escape that is there; and those that had none."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from minidocker.errors import UsageError
from minidocker.escapes import catalogue
from minidocker.stages.mounts import parse_volume

TESTS = Path(__file__).resolve().parents[1]
TABLE = (TESTS.parent / "docs/advisories.md").read_text()
ROWS = [line.strip("| ").split(" | ") for line in TABLE.splitlines() if line.startswith("| CVE-")]
needs = pytest.mark.needs("root", "pidns", "mntns", "overlay")


def test_each_line_of_the_table_names_a_test_that_is_there() -> None:
    written = {
        name
        for file in TESTS.rglob("test_*.py")
        for name in re.findall(r"def (test_\w+)", file.read_text())
    }
    assert len(ROWS) >= 30 and len({row[0] for row in ROWS}) == len(ROWS)

    for number, _, _, tried in ROWS:
        names = re.findall(r"`(\w+)`", tried)
        assert names, number
        for name in names:
            if name.startswith("test_"):
                assert name in written, f"{number}: there is no {name}"
            else:
                assert catalogue.by_name(name), number


def by_number(name: str) -> tuple[int, int]:
    _, year, number = name.split("-")
    return int(year), int(number)


def test_each_advisory_of_the_laboratory_stands_in_the_table() -> None:
    listed = {row[0] for row in ROWS}
    for escape in catalogue.FAMILIES["advisories"]:
        for number in re.findall(r"CVE-\d+-\d+", escape.source):
            assert number in listed, escape.name


@needs
def test_the_runtime_listens_at_no_socket(command: list[str], shared_store: Path) -> None:
    """CVE-2020-15257: an abstract socket belongs to a network namespace, not to a file system."""
    before = Path("/proc/net/unix").read_text()
    process = subprocess.Popen(
        [*command, "run", "--rm", "--init", "--network", "host", "base", "sh", "-c", "echo up; sleep 30"],
        env={**os.environ, "MINIDOCKER_ROOT": str(shared_store)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout and process.stdout.readline() == "up\n"
        fields = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()]
        known = {line.split()[-1] for line in before.splitlines()}
        named = [f[-1] for f in fields if len(f) == 8 and f[-1] not in known]
        assert not [name for name in named if "minidocker" in name]
        pids = {process.pid, *children(process.pid)}
        sockets = {link[8:-1] for pid in pids for link in links(pid) if link.startswith("socket:")}
        assert not [f for f in fields if len(f) == 8 and f[6] in sockets]
    finally:
        process.terminate()
        process.communicate(timeout=20)


def children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in text]


def links(pid: int) -> list[str]:
    return [
        os.readlink(f"/proc/{pid}/fd/{fd}")
        for fd in os.listdir(f"/proc/{pid}/fd")
        if os.path.lexists(f"/proc/{pid}/fd/{fd}")
    ]


@pytest.mark.parametrize(
    "options", ["rshared", "exec,rw", "z,Z", "O", "U", "ro,dev", "idmap", "suid", "upperdir=/x"]
)
def test_a_volumes_options_are_ro_or_nothing(options: str) -> None:
    with pytest.raises(UsageError):
        parse_volume(f"/a:/b:{options}")


@needs
def test_of_an_images_labels_nothing_is_read(
    minidocker: Callable, tmp_path: Path
) -> None:
    """CVE-2026-53488: containerd's LABEL "binary:///…" was run on the host as root."""
    mark = tmp_path / "mark"
    (tmp_path / "do").write_text(f"#!/bin/sh\ntouch {mark}\n")
    (tmp_path / "do").chmod(0o755)
    minidocker("run", "--name", "labelled", "base", "true")
    labels = {"loguri": f"binary://{tmp_path}/do", "status": "running"}
    changes = [f"LABEL containerd.io/restart.{name}={value}" for name, value in labels.items()]
    words = [word for change in changes for word in ("-c", change)]
    assert minidocker("commit", "labelled", "labelled", *words).returncode == 0
    minidocker("rm", "labelled")
    assert f"binary://{tmp_path}/do" in minidocker("image", "inspect", "labelled").stdout
    assert minidocker("run", "--rm", "labelled", "true").returncode == 0
    minidocker("ps", "-a")
    minidocker("image", "rm", "labelled")
    assert not mark.exists()


@needs
def test_standard_input_is_the_hosts_null_device(minidocker: Callable, tmp_path: Path) -> None:
    """CVE-2026-88265: /dev/null of a volume is a link, here to a file of the container's own."""
    dev = tmp_path / "dev"
    dev.mkdir()
    victim = tmp_path / "victim"
    victim.write_text("unhurt")
    victim.chmod(0o600)
    os.mknod(dev / "null", 0o20666, os.makedev(1, 3))
    script = "cat; stat -L -c '%t:%T' /proc/self/fd/0"
    words = ("run", "--rm", "-v", f"{dev}:/dev", "-v", f"{victim}:/victim", "--user")
    assert minidocker(*words, "0", "base", "sh", "-c", script).stdout == "1:3\n"
    (dev / "null").unlink()
    (dev / "null").symlink_to("/victim")
    done = minidocker(*words, "1000", "base", "true")
    assert done.returncode == 125
    assert (victim.read_text(), victim.stat().st_uid, victim.stat().st_mode & 0o777) == (
        "unhurt",
        0,
        0o600,
    )
