"""What `ps` shows of records: states, spans of time, filters, sizes; and which one a name means."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from minidocker.engine import filters as of_ps
from minidocker.engine import listing
from minidocker.engine.standing import span, stamp, state_of, status_of
from minidocker.errors import Conflict, FlagError, NotFound, UsageError
from minidocker.images.store.store import Store
from minidocker.runtime import reading

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Write a container's record; `alive` holds its lock."""
    locks = []

    def make(id: str, status: str = "exited", alive: bool = False, **more: object) -> Path:
        folder = tmp_path / "containers" / id
        folder.mkdir(parents=True)
        times = more.pop("times", {"created": 1000.0 + len(locks)})
        spec = {
            "labels": more.pop("labels", {}),
            "mounts": more.pop("mounts", []),
            "process": {"args": ["sh", "-c", "sleep 1000; echo long"]},
            "net": more.pop("net", None),
        }
        record = {
            "id": id,
            "name": "",
            "image": "base",
            "status": status,
            "facts": {"times": times},
            "spec": spec,
            **more,
        }
        (folder / "record.json").write_text(json.dumps(record))
        locks.append(os.open(folder / "lock", os.O_CREAT | os.O_RDWR))
        if alive:
            fcntl.flock(locks[-1], fcntl.LOCK_EX)
        return folder

    yield make
    for lock in locks:
        os.close(lock)


def names(tmp_path: Path, *filters: str, **how: object) -> list[str]:
    store = Store(str(tmp_path))
    return [r["name"] for r in listing.chosen(store, of_ps.read(store, list(filters)), **how)]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.5, "Less than a second"), (1.5, "1 second"), (59, "59 seconds"), (61, "About a minute"),
        (150, "2 minutes"), (3599, "59 minutes"), (3601, "About an hour"), (2 * 3600, "2 hours"),
        (47 * 3600, "47 hours"), (3 * 86400, "3 days"), (15 * 86400, "2 weeks"),
        (90 * 86400, "3 months"), (800 * 86400, "2 years"), (-5, "Less than a second"),
    ],
)  # fmt: skip
def test_spans_of_time_are_docker_s(seconds: float, said: str) -> None:
    assert span(seconds) == said


def test_how_a_container_is() -> None:
    record = {
        "alive": True,
        "status": "running",
        "facts": {"times": {"running": 40.0}},
        "directory": "/x",
    }
    assert (state_of(record), status_of(record, 100)) == ("running", "Up About a minute")
    gone = {**record, "alive": False}
    assert (state_of(gone), status_of(gone, 100)) == ("exited", "Exited (?) About a minute ago")
    ended = {**gone, "status": "exited", "exit_code": 7, "facts": {"times": {"exited": 98.0}}}
    assert status_of(ended, 100) == "Exited (7) 2 seconds ago"
    assert status_of({**record, "status": "paused"}, 100) == "Up About a minute (Paused)"
    assert status_of({**gone, "status": "created"}, 100) == "Created"
    assert status_of({**gone, "status": "unreadable"}, 100) == "Dead"
    assert (
        status_of({**record, "health": {"Status": "healthy"}}, 100) == "Up About a minute (healthy)"
    )
    assert stamp(0) == "0001-01-01T00:00:00Z" and stamp(1.5) == "1970-01-01T00:00:01.500000000Z"


def test_which_containers_are_shown(tmp_path: Path, make: Make) -> None:
    ports = {
        "name": "shop",
        "ports": [{"address": "", "host": 8080, "container": 80, "protocol": "tcp"}],
    }
    make("a1", name="old", exit_code=3, labels={"a": "1"})
    make("a2", name="web", status="running", alive=True, labels={"a": "1", "b": "2"}, net=ports)
    make(
        "b3", name="new", exit_code=0, mounts=[{"volume": "v", "source": "/s", "destination": "/d"}]
    )
    assert names(tmp_path) == ["web"]
    assert names(tmp_path, everything=True) == ["new", "web", "old"]
    assert names(tmp_path, last=2) == ["new", "web"]
    for filters, found in (
        (["status=exited"], ["new", "old"]), (["exited=3"], ["old"]), (["status=exited", "exited=0"], ["new"]),
        (["status=running", "status=exited", "name=e"], ["new", "web"]),
    ):  # fmt: skip
        assert names(tmp_path, *filters) == found, filters
    for filters, found in (
        (["label=a"], ["web", "old"]), (["label=a", "label=b=2"], ["web"]), (["label=b=3"], []),
        (["id=a"], ["web", "old"]), (["name=^/?new$"], ["new"]), (["name=["], []), (["volume=v"], ["new"]),
        (["volume=/d"], ["new"]), (["network=shop"], ["web"]), (["network=none"], ["new", "old"]),
        (["publish=80"], ["web"]), (["publish=70-90/tcp"], ["web"]), (["publish=80/udp"], []),
        (["before=new"], ["web", "old"]), (["since=web"], ["new"]), (["ancestor=base"], ["new", "web", "old"]),
        (["health=none"], ["new", "web", "old"]),
    ):  # fmt: skip
        assert names(tmp_path, *filters, everything=True) == found, filters


@pytest.mark.parametrize(
    ("text", "docker", "kind", "remedy"),
    [
        ("x=y", "invalid filter 'x'", UsageError, "with one of: ancestor"),
        ("NAM=y", "invalid filter 'nam'", UsageError, "with one of: ancestor"),
        ("name", 'invalid argument "name" for "-f, --filter" flag: bad format of filter '
         "(expected name=value)", FlagError, "NAME=VALUE"),
        ("status=new", "invalid filter 'status=new'", UsageError, "created running"),
        ("exited=x", "invalid filter 'exited=x'", UsageError, "NAME=VALUE"),
        ("publish=x", "invalid filter 'publish=x'", UsageError, "NAME=VALUE"),
        ("health=x", "invalid filter 'health=x'", UsageError, "unhealthy"),
    ],
)
def test_a_filter_that_is_none_is_refused(
    tmp_path: Path, text: str, docker: str, kind: type, remedy: str
) -> None:
    with pytest.raises(UsageError) as found:
        of_ps.read(Store(str(tmp_path)), [text])
    assert found.value.docker == docker and remedy in found.value.remedy
    assert type(found.value) is kind and found.value.status == (125 if kind is FlagError else 1)


def test_every_word_with_a_filter_has_the_same_reader() -> None:
    """A second one would have errors of its own."""
    for path in (Path(listing.__file__).parents[1]).rglob("*.py"):
        if path.name != "filters.py":
            assert "invalid filter" not in path.read_text(), path


def test_a_row(tmp_path: Path, make: Make) -> None:
    ports = {
        "name": "shop",
        "ports": [{"address": "", "host": 8080, "container": 80, "protocol": "tcp"}],
    }
    mounts = [{"volume": "v" * 64, "source": "/s"}, {"source": "/tmp"}]
    upper = (
        make("a" * 64, name="web", status="running", alive=True, net=ports, mounts=mounts) / "upper"
    )
    upper.mkdir()
    (upper / "file").write_text("x" * 1500)
    os.link(upper / "file", upper / "again")
    store = Store(str(tmp_path))
    record = reading.find(str(tmp_path), "web")
    row = listing.row(store, record, whole=False, sized=True)
    assert row["ID"] == "a" * 12 and row["Command"] == '"sh -c sleep 1000; e…"'
    assert row["Ports"] == "0.0.0.0:8080->80/tcp" and row["Mounts"] == "v" * 14 + "…,/tmp"
    assert row["Size"] == "1.5kB (virtual 1.5kB)" and row["LocalVolumes"] == "1"
    whole = listing.row(store, record, whole=True, sized=False)
    assert whole["ID"] == "a" * 64 and whole["Command"] == '"sh -c sleep 1000; echo long"'


def test_which_one_a_word_means(tmp_path: Path, make: Make) -> None:
    make("abc111", name="box")
    make("abc222", name="abc111")
    make("fff333")
    root = str(tmp_path)
    assert reading.find(root, "box")["id"] == reading.find(root, "/box")["id"] == "abc111"
    assert reading.find(root, "abc111")["id"] == "abc111"  # an id comes before a name
    assert reading.find(root, "abc2")["id"] == "abc222" and reading.find(root, "f")["id"] == "fff333"
    with pytest.raises(Conflict) as several:
        reading.find(root, "abc")
    assert several.value.docker == "Multiple IDs found with provided prefix: abc"
    for word in ("", "/", "nobody", "ABC111"):
        with pytest.raises(NotFound):
            reading.find(root, word)
