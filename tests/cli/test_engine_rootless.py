"""Containers of an ordinary user that run alone: with subordinate ids, and with one id alone."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from keeping import keepers, kill, until
from test_rootless import UID, Account, running_cat, with_base

pytestmark = pytest.mark.needs("root", "userns", "pidns", "mntns", "overlay")


@pytest.mark.parametrize(("ranges", "which"), [(True, 0), (False, 1)], ids=["subids", "one id"])
def test_the_same_for_an_ordinary_user(ranges: bool, which: int) -> None:
    # not below pytest's own directory: another session of it closes that to others
    with tempfile.TemporaryDirectory(dir="/var/tmp") as home:
        live_through(with_base(Path(home), ranges), which, ranges)


def live_through(user: Account, which: int, ranges: bool) -> None:
    """Start, enter, lose a keeper, stop, start, lose both, remove."""
    done = user("run", "-d", "--name", "box", "--network", "none", "base", "sh", "-c",
                "trap 'exit 3' TERM; echo up; while :; do sleep 0.05; done")  # fmt: skip
    assert done.returncode == 0, done.stderr
    id = done.stdout.strip()
    until(lambda: "up" in user("logs", "box").stdout)
    done = user("exec", "box", "sh", "-c", "id -u; cat /proc/self/uid_map")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "0"
    assert str(UID) in done.stdout
    kill(keepers(user.store, id)[which])
    assert user("exec", "box", "true").returncode == 0
    done = user("exec", "-u", "1000", "box", "id", "-u")
    assert done.stdout == "1000\n" if ranges else done.returncode, done.stderr
    assert user("stop", "box").stdout == "box\n"
    assert user("wait", "box").stdout == "3\n"
    assert user("start", "box").returncode == 0
    kill(*keepers(user.store, id))
    assert "Up " in user("ps").stdout
    record = json.loads((Path(user.store) / "containers" / id / "record.json").read_text())
    assert record["status"] == "running"
    done = user("rm", "-f", "box")
    assert done.returncode == 0, done.stderr
    assert user("ps", "-aq").stdout == ""
    with running_cat(user, "--name", "front"):
        done = user("exec", "front", "sh", "-c", "id -u; cat /proc/self/uid_map; exit 4")
        assert (done.returncode, done.stdout.split()[0]) == (4, "0"), done.stderr
        assert str(UID) in done.stdout
    assert [one.name for one in (user.store / "containers").iterdir()] == ["names"]
