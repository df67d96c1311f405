"""`class merge`: two machines, two days; each submission has one record, and nothing is lost."""

from __future__ import annotations

import copy
import json
import os
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from class_examples import ROOM, record

from minidocker.classroom import marks, merging
from minidocker.classroom.classfile import Class
from minidocker.classroom.records import Records, earned
from minidocker.errors import NotFound, UsageError

DAYS = ("2026-12-02T10:00:00+00:00", "2026-12-03T10:00:00+00:00")


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Class:
    found = Class(**{**vars(ROOM), "folder": tmp_path / "ours"})
    for name in ("ours", "theirs"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(merging, "open_class", lambda file: (found, Records(found.folder)))
    return found


def put(folder: Path, *found: dict[str, Any]) -> Records:
    store = Records(folder)
    with store.held():
        for one in found:
            store.write(one)
    return store


def one(name: str, outcome: str, day: int = 0, text: str = "c", submitted: str = "") -> dict[str, Any]:
    found = record(name, (outcome,), submitted)
    files = {name: {**file, "text": text} for name, file in found["files"].items()}
    return {**found, "at": DAYS[day], "content": text, "files": files, "notes": [], "others": []}


def merged(room: Class, folder: Path) -> int:
    return merging.merge(Namespace(file="", folders=[str(folder)]))


def test_two_machines_make_one_class(room: Class, tmp_path: Path, capsys) -> None:
    ours = put(room.folder, one("ada", "pass"), one("bob", "fail"))
    theirs = put(tmp_path / "theirs", one("zoë", "pass"), one("eve", "fail"), one("ada", "pass"))
    before = {path.name: path.read_bytes() for path in theirs.folder.iterdir()}
    assert merged(room, tmp_path / "theirs") == 0
    said = capsys.readouterr().out
    assert "3 records: 1 the same, 2 new; the class has 4" in said, said
    assert sorted(found["name"] for found in ours.all()) == ["ada", "bob", "eve", "zoë"]
    assert {path.name: path.read_bytes() for path in theirs.folder.iterdir()} == before
    assert merged(room, tmp_path / "theirs/records") == 0  # twice is once
    assert "3 the same" in capsys.readouterr().out
    assert len(marks.of_class(room, ours.all())) == len(room.students)


@pytest.mark.parametrize("mine", [0, 1])
def test_of_one_text_what_passed_has_passed(room: Class, tmp_path: Path, mine: int) -> None:
    days = [one("ada", "fail", 1), one("ada", "pass", 0)]
    ours = put(room.folder, days[mine])
    put(tmp_path / "theirs", days[1 - mine])
    assert merged(room, tmp_path / "theirs") == 0
    (found,) = ours.all()
    assert found["at"] == DAYS[1] and earned(found) == earned(one("ada", "pass"))
    assert found["lessons"][0]["checks"][0]["kept"]


@pytest.mark.parametrize("mine", [0, 1])
def test_of_two_texts_the_later_counts_and_the_old_mark_stays(
    room: Class, tmp_path: Path, mine: int
) -> None:
    days = [one("ada", "pass", 0, "first"), one("ada", "fail", 1, "second")]
    ours = put(room.folder, days[mine])
    put(tmp_path / "theirs", days[1 - mine])
    assert merged(room, tmp_path / "theirs") == 0
    (found,) = ours.all()
    assert (found["content"], earned(found)) == ("second", 0)
    ada = marks.of_class(room, [found])[0]
    assert (ada.score(100), ada.before(100)) == (0, 100)


def test_two_assignments_are_one_class(room: Class, tmp_path: Path) -> None:
    weeks = [one("ada", "pass", day, f"text {day}", f"2026-12-0{day + 1}T12:00:00+00:00") for day in (0, 1)]
    for at, week in enumerate(weeks):
        lacks = week["lessons"][1 - at]
        lacks["handed_in"], lacks["checks"] = False, [{**c, "outcome": "fail", "earned": 0} for c in lacks["checks"]]
        del week["files"][lacks["id"]]
    ours = put(room.folder, weeks[1])
    put(tmp_path / "theirs", weeks[0])
    assert merged(room, tmp_path / "theirs") == 0
    (found,) = ours.all(texts=True)
    assert [report["handed_in"] for report in found["lessons"]] == [True, True]
    assert found["lessons"][0]["submitted"] == weeks[0]["submitted"]
    assert len(found["files"]) == 2 and marks.of_class(room, [found])[0].score(100) == 100
    assert merged(room, tmp_path / "theirs") == 0
    assert ours.all(texts=True)[0]["lessons"] == found["lessons"]


def test_handed_in_later_counts_more_than_judged_later(room: Class, tmp_path: Path) -> None:
    late = one("ada", "pass", 0, "new", "2026-12-01T12:00:00+00:00")
    early = one("ada", "fail", 1, "old", "2026-12-01T11:00:00+00:00")
    ours = put(room.folder, early)
    put(tmp_path / "theirs", late)
    assert merged(room, tmp_path / "theirs") == 0
    assert ours.all()[0]["content"] == "new"


@pytest.mark.parametrize("mine", [0, 1])
def test_no_verdict_takes_none_away(room: Class, tmp_path: Path, mine: int) -> None:
    none = {**one("ada", "pass", 1), "lessons": [], "remark": "its judge ended"}
    both = [none, one("ada", "pass", 0)]
    ours = put(room.folder, both[mine])
    put(tmp_path / "theirs", both[1 - mine])
    assert merged(room, tmp_path / "theirs") == 0
    assert earned(ours.all()[0]) == earned(one("ada", "pass"))


def wrong(change: str, value: object) -> dict[str, Any]:
    found = copy.deepcopy(one("evil", "pass"))
    if change == "earned":
        found["lessons"][0]["checks"][0]["earned"] = value
    elif change == "check":
        found["lessons"][0]["checks"][0]["id"] = value
    else:
        found[change] = value
    return found


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (wrong("earned", 99), "damaged"), (wrong("earned", "x"), "damaged"),
        (wrong("check", "other"), "another edition"), (wrong("lessons", 7), "damaged"),
        (wrong("name", ["x"]), "damaged"), (wrong("files", "x"), "damaged"),
        (wrong("schema", "x/v2"), "no record"), ([], "no record"), ("{", "damaged"),
    ],
)  # fmt: skip
def test_what_is_no_record_of_this_class_is_not_taken(
    room: Class, tmp_path: Path, capsys, found: Any, says: str
) -> None:
    ours = put(room.folder, one("bob", "fail"))
    theirs = put(tmp_path / "theirs", one("ada", "pass"))
    text = found if isinstance(found, str) else json.dumps(found)
    (theirs.folder / "evil.json").write_text(text)
    assert merged(room, tmp_path / "theirs") == 1
    assert says in capsys.readouterr().out
    assert [found["name"] for found in ours.all()] == ["ada", "bob"]


def test_names_lead_nowhere_and_strangers_have_no_login(room: Class, tmp_path: Path) -> None:
    ours = put(room.folder)
    theirs = put(tmp_path / "theirs")
    (theirs.folder / "x.json").write_text(json.dumps(one("../../../x", "pass")))
    assert merged(room, tmp_path / "theirs") == 0
    assert [(found["name"], found["login"]) for found in ours.all()] == [("../../../x", "")]
    assert sorted(os.listdir(tmp_path)) == ["ours", "theirs"]


def test_wrong_folders_are_sentences(room: Class, tmp_path: Path) -> None:
    put(room.folder)
    for name in ("none", "theirs"):
        with pytest.raises(NotFound, match="has no records/"):
            merged(room, tmp_path / name)
    for name in ("ours", "ours/records"):
        with pytest.raises(UsageError, match="is this class"):
            merged(room, tmp_path / name)
