"""A container's record: found by its id or name without the others, and kept from a lost lock."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from minidocker.engine import left_over
from minidocker.errors import Conflict, NotFound
from minidocker.images.store import catalogue
from minidocker.images.store.store import Store
from minidocker.kernel.linux import Linux
from minidocker.proc import living
from minidocker.runtime import last_word, reading, state
from minidocker.volumes.store import Volumes


def made(root: Path, id: str, name: str = "", **more: object) -> Path:
    """Write a container's directory as `create` leaves it."""
    directory = root / "containers" / id
    directory.mkdir(parents=True)
    known = {"id": id, "name": name, "image": "", "status": "created", "facts": {}, **more}
    (directory / "record.json").write_text(json.dumps(known))
    (directory / "lock").touch()
    if name:
        names = root / "containers/names"
        names.mkdir(exist_ok=True)
        (names / name).symlink_to(f"../{id}")
    return directory


def test_a_name_and_an_id_are_found_without_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(tmp_path, "abc111", "web")
    made(tmp_path, "abc222", "abc111")  # an id comes first
    made(tmp_path, "def333", "names")
    monkeypatch.setattr(reading, "records", lambda *_: pytest.fail("all of them were read"))
    asked = {"abc111": "abc111", "web": "abc111", "/web": "abc111", "/abc111": "abc222",
             "names": "def333", "abc222": "abc222"}  # fmt: skip
    assert {name: reading.find(str(tmp_path), name)["id"] for name in asked} == asked


def test_a_beginning_is_looked_for_among_all(tmp_path: Path) -> None:
    made(tmp_path, "abc111", "web")
    made(tmp_path, "abc222", "ab")
    assert reading.find(str(tmp_path), "abc1")["id"] == "abc111"
    assert reading.find(str(tmp_path), "ab")["id"] == "abc222"
    with pytest.raises(Conflict):
        reading.find(str(tmp_path), "abc")
    for nobody in ("", "/", ".", "..", "x/y", "names", "web/", "a" * 300, "\udc80", "x\0y"):
        with pytest.raises(NotFound):
            reading.find(str(tmp_path), nobody)


def test_those_whose_record_has_a_word(tmp_path: Path) -> None:
    """One without a readable record may have it, so it is never left out."""
    made(tmp_path, "abc111", "web", spec={"kept": ["CAP_X"]})
    made(tmp_path, "abc222", "other")
    (tmp_path / "containers" / "abc333").mkdir()
    (made(tmp_path, "abc444") / "record.json").write_bytes(b"CAP_X\xff")
    found = [record["id"] for record in reading.records(str(tmp_path), word="CAP_X")]
    assert found == ["abc111", "abc333", "abc444"]


def test_a_link_that_lies_finds_nobody(tmp_path: Path) -> None:
    made(tmp_path, "abc111", "web")
    for name, target in (("old", "../abc111"), ("out", "../../../etc"), ("none", "../gone")):
        (tmp_path / "containers/names" / name).symlink_to(target)
        with pytest.raises(NotFound):
            reading.find(str(tmp_path), name)


def test_what_is_over_and_has_lost_its_lock_is_removed(tmp_path: Path) -> None:
    directory = made(tmp_path, "abc111", "web", pid=os.getpid(), keeper="1 2 gone")
    (directory / "lock").unlink()
    record = reading.find(str(tmp_path), "web")
    assert not record["alive"] and (directory / "lock").exists()
    (directory / "lock").unlink()
    assert state.clean_up(record, (), Linux()) and not directory.exists()


@pytest.mark.parametrize("other", [os.mkdir, os.mkfifo, lambda path: os.symlink(path, path)])
@pytest.mark.parametrize(
    "file", ["lock", "record.json", "pid", "limits", "restart", "health", "name"]
)
def test_what_is_no_file_any_more_hides_no_other_and_is_removed(
    file: str, other: Callable[[Path], None], tmp_path: Path
) -> None:
    made(tmp_path, "abc222")
    directory = made(tmp_path, "abc111", "web", keeper="1 2 gone", spec={"health": {"args": ["x"]}})
    (directory / file).unlink(missing_ok=True)
    other(directory / file)
    assert [record["id"] for record in reading.records(str(tmp_path), "a")] == ["abc111", "abc222"]
    assert [use.container for use in catalogue.uses(Store(str(tmp_path)))][-1] == "abc222"
    assert Volumes(Linux(), str(tmp_path)).users() == {}
    assert not Linux().is_locked(str(directory / "lock"))
    record = reading.find(str(tmp_path), "abc111")
    assert last_word.read(f"{directory}/lock") is None
    assert state.clean_up(record, (), Linux()) and not directory.exists()


def test_a_name_that_is_no_link_any_more_is_nobodys(tmp_path: Path) -> None:
    made(tmp_path, "abc111", "web")
    made(tmp_path, "abc222", "db")
    names = tmp_path / "containers/names"
    (names / "web").unlink()
    (names / "web").write_bytes(bytes(20))
    state.claim(f"{tmp_path}/containers", "web", "abc222")
    assert os.readlink(names / "web") == "../abc222"
    with pytest.raises(Conflict):
        state.claim(f"{tmp_path}/containers", "db", "abc111")
    (names / "old").write_bytes(b"")
    left_over.forget_names(Store(str(tmp_path)))
    assert sorted(os.listdir(names)) == ["db", "web"]


def test_a_mark_of_too_many_digits_is_nobodys() -> None:
    assert not living.alive("9" * 5000) and not living.alive(f"{'9' * 5000} 1 boot")


def test_one_that_lives_without_its_lock_is_not_removed(tmp_path: Path) -> None:
    keeper = living.mark(os.getpid())
    directory = made(tmp_path, "abc111", keeper=keeper, status="running")
    (directory / "lock").unlink()
    record = reading.find(str(tmp_path), "abc111")
    assert record["alive"] and not state.clean_up(record, (), Linux())
    assert not (directory / "lock").exists() and living.is_kept(str(directory))


def test_a_start_that_was_cut_off_gets_no_lock_from_others(tmp_path: Path) -> None:
    directory = made(tmp_path, "abc111")
    for name in ("record.json", "lock"):
        (directory / name).unlink()
    assert not state.is_alive(str(directory)) and not os.listdir(directory)


def test_who_has_the_lock_is_alive(tmp_path: Path) -> None:
    directory = made(tmp_path, "abc111")
    with open(directory / "lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert reading.find(str(tmp_path), "abc111")["alive"]
    assert not reading.find(str(tmp_path), "abc111")["alive"]
