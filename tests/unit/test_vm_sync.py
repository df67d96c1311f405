"""The learner's files on both sides: nothing is lost, whatever happens on either."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minidocker.errors import MinidockerError
from minidocker.vm import sync_far
from minidocker.vm.sync import FOLDERS, KEPT, Far, Sync, inside, program


class Two:
    """Two directory trees and what keeps them the same; the far one through a real agent."""

    def __init__(self, directory: Path) -> None:
        self.here, self.there = directory / "here", directory / "there"
        for side in (self.here, self.there):
            for folder in FOLDERS:
                (side / folder).mkdir(parents=True)
        self.far = Far([sys.executable, "-I", "-c", program(str(self.there))])
        self.told: list[str] = []
        self.memory = directory / "sync.json"

    def sync(self) -> int:
        return Sync(self.here, self.far, self.memory, self.told.append).once()


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    pair = Two(tmp_path)
    yield pair
    pair.far.close()


def test_a_file_goes_either_way_and_changes_follow(two: Two) -> None:
    (two.here / "exercises/a.py").write_text("1")
    (two.there / "notebooks/b.ipynb").write_text("2")
    assert two.sync() == 2
    assert (two.there / "exercises/a.py").read_text() == "1"
    assert (two.here / "notebooks/b.ipynb").read_text() == "2"
    (two.there / "exercises/a.py").write_text("one")
    (two.here / "notebooks/b.ipynb").write_text("two")
    assert two.sync() == 2
    assert (two.here / "exercises/a.py").read_text() == "one"
    assert (two.there / "notebooks/b.ipynb").read_text() == "two"
    assert two.sync() == 0


def test_bytes_odd_names_and_new_folders(two: Two) -> None:
    name = "notebooks/deep er/ñ ☃/data.bin"
    (two.there / name).parent.mkdir(parents=True)
    (two.there / name).write_bytes(bytes(range(256)) * 500)
    two.sync()
    assert (two.here / name).read_bytes() == bytes(range(256)) * 500


def test_removed_here_is_removed_there(two: Two) -> None:
    (two.here / "exercises/a.py").write_text("1")
    two.sync()
    (two.here / "exercises/a.py").unlink()
    two.sync()
    assert not (two.there / "exercises/a.py").exists()


def test_removed_there_is_kept_here(two: Two) -> None:
    (two.here / "exercises/a.py").write_text("work")
    two.sync()
    (two.there / "exercises/a.py").unlink()
    two.sync()
    assert not (two.here / "exercises/a.py").exists()
    assert (two.here / KEPT / "exercises/a.py").read_text() == "work"
    assert two.told
    assert two.sync() == 0


def test_changed_on_both_sides_keeps_both(two: Two) -> None:
    (two.here / "exercises/a.py").write_text("0")
    two.sync()
    for number in (1, 2):
        (two.here / "exercises/a.py").write_text(f"mine {number}")
        (two.there / "exercises/a.py").write_text(f"theirs {number}")
        two.sync()
    assert (two.here / "exercises/a.py").read_text() == "mine 2"
    assert (two.there / "exercises/a.py").read_text() == "mine 2"
    beside = sorted(path.name for path in (two.here / "exercises").glob("a.from-vm*"))
    assert beside == ["a.from-vm-2.py", "a.from-vm.py"]
    assert (two.here / "exercises/a.from-vm.py").read_text() == "theirs 1"
    two.sync()  # the copies go there too
    assert two.sync() == 0


def test_changed_here_and_removed_there_stays(two: Two) -> None:
    (two.here / "exercises/a.py").write_text("0")
    two.sync()
    (two.here / "exercises/a.py").write_text("1")
    (two.there / "exercises/a.py").unlink()
    two.sync()
    assert (two.there / "exercises/a.py").read_text() == "1"


def test_a_record_has_the_lines_of_both(two: Two) -> None:
    (two.here / ".minidocker/progress.jsonl").write_text("a\n")
    two.sync()
    (two.here / ".minidocker/progress.jsonl").write_text("a\nb\n")
    (two.there / ".minidocker/progress.jsonl").write_text("a\nc\n")
    two.sync()
    for side in (two.here, two.there):
        assert (side / ".minidocker/progress.jsonl").read_text() == "a\nb\nc\n"


def test_a_machine_that_went_back_in_time_overwrites_nothing(two: Two) -> None:
    (two.here / "exercises/a.py").write_text("old")
    two.sync()
    then = two.memory.read_text()
    (two.here / "exercises/a.py").write_text("new")
    two.sync()
    (two.there / "exercises/a.py").write_text("old")  # a snapshot is restored…
    two.memory.write_text(then)  # …and with it what both sides had
    two.sync()
    assert (two.here / "exercises/a.py").read_text() == "new"
    assert (two.there / "exercises/a.py").read_text() == "new"


def test_a_new_machine_takes_what_is_here(two: Two) -> None:
    (two.here / "exercises/a.py").write_text("mine")
    (two.there / "exercises/a.py").write_text("the box's")
    (two.there / "exercises/gone.py").write_text("the box's")
    sync = Sync(two.here, two.far, two.memory, two.told.append)
    sync.begin()
    sync.once()
    assert (two.there / "exercises/a.py").read_text() == "mine"
    assert not (two.there / "exercises/gone.py").exists()
    assert two.told == []


def test_links_and_leavings_of_editors_stay_where_they_are(two: Two) -> None:
    (two.there / "exercises/link").symlink_to("/etc/passwd")
    (two.there / "exercises/a.py~").write_text("x")
    (two.there / "notebooks/.ipynb_checkpoints").mkdir()
    (two.there / "notebooks/.ipynb_checkpoints/b").write_text("x")
    assert two.sync() == 0


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../x", "exercises/../../x", "exercises", "exercises/", "minidocker/cli.py",
     "exercises//x", "exercises/./x", "", 7],
)  # fmt: skip
def test_paths_that_lead_out_are_not_believed(path: object) -> None:
    assert not inside(path)


def test_a_lying_machine_writes_nothing(two: Two, tmp_path: Path) -> None:
    liar = 'import sys\nfor line in sys.stdin: print(\'{"ok": {"../../evil": "x"}}\', flush=True)'
    far = Far([sys.executable, "-I", "-c", liar])
    with pytest.raises(MinidockerError, match="outside"):
        Sync(two.here, far, tmp_path / "m.json").once()
    far.close()
    assert not list(tmp_path.rglob("evil"))


def test_a_machine_that_ends_is_one_sentence(two: Two) -> None:
    far = Far([sys.executable, "-c", "pass"])
    with pytest.raises(MinidockerError, match="connection"):
        far.scan()
    far.close()


def test_a_file_is_written_whole_with_mode_and_owner_kept(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    (tmp_path / "f").chmod(0o755)
    sync_far.put(str(tmp_path), "f", b"new")
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o755
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


@pytest.mark.skipif(os.geteuid() != 0, reason="blocked: needs root (sudo make test)")
def test_new_files_get_the_owner_of_their_folder(tmp_path: Path) -> None:
    os.chown(tmp_path, 1234, 1235)
    sync_far.put(str(tmp_path), "a/b/c", b"x")
    for path in ("a", "a/b", "a/b/c"):
        assert (tmp_path / path).stat().st_uid == 1234, path


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["here", "there"]),
        st.sampled_from(["exercises/a.py", "exercises/b.py", "notebooks/c"]),
        st.sampled_from(["write", "remove", "sync"]),
    ),
    max_size=12,
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(actions=ACTIONS)
def test_no_written_work_is_ever_lost(
    tmp_path_factory: pytest.TempPathFactory, actions: list[tuple[str, str, str]]
) -> None:
    """Whatever was written and not removed or rewritten on its own side is found here in the end."""
    two = Two(tmp_path_factory.mktemp("two"))
    alive: dict[tuple[str, str], str] = {}
    try:
        for number, (side, path, action) in enumerate(actions):
            target = getattr(two, side) / path
            if action == "write":
                target.write_text(f"work {number}")
                alive[side, path] = f"work {number}"
            elif action == "remove":
                target.unlink(missing_ok=True)
                alive.pop((side, path), None)
            else:
                two.sync()
                alive = _after_sync(two, alive)
        two.sync()
        two.sync()
        assert sync_far.scan(str(two.here), FOLDERS) == two.far.scan()
        texts = {p.read_text() for p in two.here.rglob("*") if p.is_file()}
        assert set(alive.values()) <= texts
    finally:
        two.far.close()


def _after_sync(two: Two, alive: dict[tuple[str, str], str]) -> dict[tuple[str, str], str]:
    """After a sync, what lives is what is in the named files: rewriting it later is no loss."""
    texts = {p.read_text() for p in two.here.rglob("*") if p.is_file()}
    assert set(alive.values()) <= texts
    return {}
