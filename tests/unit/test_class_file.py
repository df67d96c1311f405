"""The class file is read strictly: an error names the line and what may stand there."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path

import pytest

from minidocker.classroom import classfile, new
from minidocker.classroom.classfile import Student
from minidocker.course.manifest import load
from minidocker.errors import NotFound, UsageError

MANIFEST = load(Path(__file__).resolve().parents[2])
LESSONS = MANIFEST.lessons[:2]
EDITION = classfile.edition_of(LESSONS)
GOOD = f"""\
title = "Systems"
edition = "{EDITION}"

[late]
days = 2
percent = 20

[show]
before = "points"

[show.check.order]
before = "nothing"

[[lesson]]
id = "00"

[[lesson]]
id = "01"
weight = 3
due = 2026-12-01T18:00:00+01:00

[[student]]
login = "ada"
name = "Lovelace, Ada"
also = ["4711"]
extension = {{ "01" = 2026-12-09 }}

[[student]]
login = "bob"
excused = ["00"]

[[pair]]
logins = ["ada", "bob"]
"""


def read(tmp_path: Path, text: str) -> classfile.Class:
    path = tmp_path / classfile.NAME
    path.write_text(text)
    return classfile.read(path, MANIFEST)


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    room = read(tmp_path, GOOD)
    assert [(p.lesson.number, p.weight) for p in room.parts] == [("00", 1.0), ("01", 3.0)]
    assert room.student("bob").excused == ("00_what_is_a_container",)
    extended = room.student("ada").extension["01_pid"]
    assert (extended.day, extended.hour, extended.tzinfo is not None) == (9, 23, True)
    assert room.partners("bob") == ("ada", "bob")
    assert room.student("ada").names() == {"ada", "lovelace, ada", "ada lovelace", "4711"}


def test_without_a_roster_every_name_is_a_login(tmp_path: Path) -> None:
    head, _, _ = GOOD.partition("[[student]]")
    assert read(tmp_path, head).student("who").login == "who"
    with pytest.raises(NotFound, match="nobody with the login who"):
        read(tmp_path, GOOD).student("who")


def test_what_is_shown_depends_on_the_check_and_on_the_day(tmp_path: Path) -> None:
    room = read(tmp_path, GOOD)
    before, after = (dt.datetime(2026, 12, day, tzinfo=dt.UTC) for day in (1, 2))
    assert room.shown("order", "01_pid", before) == "nothing"
    assert room.shown("order", "01_pid", after) == "message"
    assert room.shown("spawn_first", "01_pid", before) == "points"
    assert room.shown("namespaces", "00_what_is_a_container", before) == "message"  # never due


@pytest.mark.parametrize(
    ("written", "due", "submitted"),
    [
        ("2026-12-01T18:00:00", "2026-12-01T17:00:00Z", "2026-12-01T17:00:00Z"),
        ("2026-10-25T02:30:00", "2026-10-25T01:30:00Z", "2026-10-25T00:30:00Z"),  # there twice
        ("2026-03-29T02:30:00", "2026-03-29T01:30:00Z", "2026-03-29T00:30:00Z"),  # and never
    ],
)
def test_a_date_without_a_zone_is_the_better_one_for_the_student(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str, due: str, submitted: str
) -> None:
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    text = GOOD.replace("2026-12-01T18:00:00+01:00", written)
    text = text.replace('login = "bob"', f'login = "bob"\nsubmitted = {{ "01" = {written} }}')
    try:
        room = read(tmp_path, text)
        found = next(part.due for part in room.parts if part.due)
        assert found == dt.datetime.fromisoformat(due)
        handed_in = room.student("bob").submitted["01_pid"]
        assert handed_in == dt.datetime.fromisoformat(submitted)
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("old", "new_text", "says"),
    [
        ('title = "Systems"', 'titel = "Systems"', "titel"),
        ("weight = 3", "wieght = 3", "wieght"),
        ("weight = 3", 'weight = "3"', "another kind"),
        ("weight = 3", "weight = true", "another kind"),
        ("days = 2", "days = -1", "days"),
        ('id = "01"', 'id = "77"', "no lesson '77'"),
        ('id = "01"', 'id = "00"', "twice"),
        ('login = "bob"', 'login = "ada"', "twice"),
        ('login = "bob"', 'login = "4711"', "twice"),
        ('login = "bob"', 'login = "../b"', "../b"),
        ('excused = ["00"]', 'excused = ["05"]', "no lesson of this class"),
        ('excused = ["00"]', "late_days = -1", "late_days"),
        ('logins = ["ada", "bob"]', 'logins = ["ada", "eve"]', "eve"),
        ('before = "points"', 'before = "marks"', "marks"),
        ("[show.check.order]", "[show.check.ordre]", "ordre"),
        ("2026-12-01T18:00:00+01:00", '"tomorrow"', "due"),
        (EDITION, "0.0+00000000", "frozen"),
    ],
)  # fmt: skip
def test_an_error_names_the_line(
    tmp_path: Path, old: str, new_text: str, says: str
) -> None:
    assert GOOD.count(old) == 1
    with pytest.raises(UsageError) as problem:
        read(tmp_path, GOOD.replace(old, new_text))
    line = GOOD[: GOOD.index(old)].count("\n") + 1
    assert f"line {line}:" in problem.value.message
    assert says in problem.value.message
    assert problem.value.remedy


def test_what_is_no_toml_and_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="line 1"):
        read(tmp_path, "title = \n")
    with pytest.raises(NotFound, match="there is no"):
        classfile.read(tmp_path / "no" / classfile.NAME, MANIFEST)


def test_new_writes_what_read_reads_and_overwrites_nothing(tmp_path: Path) -> None:
    odd = Student("zoë", 'O"Brien\\ \x07', "z@x", ("1", "2"))
    path = new.write_new(tmp_path / "class", 'A "class"', LESSONS, [odd])
    room = classfile.read(path, MANIFEST)
    assert (room.title, room.lessons) == ('A "class"', LESSONS)
    assert list(map(vars, room.students)) == [vars(odd)]
    with pytest.raises(UsageError, match="is there already"):
        new.write_new(tmp_path / "class", "", LESSONS, [])


@pytest.mark.parametrize(
    ("text", "logins"),
    [
        ('Student,ID,SIS Login ID,Section\n"Points Possible",,,\n"L, Ada",4711,ada,1\n', ["ada"]),
        ("\ufeffFull name;Email address\nAda L;ada@x\nBob;bob@x\n", ["ada@x", "bob@x"]),
        ("First Name,Last Name,SID,Email\nAda,L,4711,ada@x\n", ["4711"]),
        ("LastName,FirstName,ID,Section,Lab (1)\nL,Ada,4711,CS,\n", ["4711"]),
        ('ID,"Vollständiger Name",E-Mail-Adresse\nTeilnehmer/in7,"Ada L",ada@x\n', ["ada@x"]),
        (f"login,name\nada,{'x' * 200_000}\n", ["ada"]),
    ],
)
def test_a_roster_is_read_from_a_platforms_table(
    tmp_path: Path, text: str, logins: list[str]
) -> None:
    (tmp_path / "roster.csv").write_text(text, encoding="utf-8")
    found, _ = new.roster(tmp_path / "roster.csv")
    assert [one.login for one in found] == logins
    assert all(one.name for one in found)
    (tmp_path / "roster.csv").write_bytes(("\ufeff" + text.lstrip("\ufeff")).encode("utf-16-le"))
    again, _ = new.roster(tmp_path / "roster.csv")
    assert [vars(one) for one in again] == list(map(vars, found))


def test_rows_of_a_roster_that_are_nobody_are_left_out_and_said(tmp_path: Path) -> None:
    (tmp_path / "roster.csv").write_text(
        "sep=;\nName;SID;Email;Name\n"
        "Ada, PhD, CBE;7;ada@x;\nBob;;bob@x;\nEve;;;\n;7;again@x;\n\n"
        "Student, Test;99;;\nPoints Possible;;;\n", "utf-8")  # fmt: skip
    found, notes = new.roster(tmp_path / "roster.csv")
    assert [(one.login, one.name) for one in found] == [("7", "Ada, PhD, CBE"), ("bob@x", "Bob")]
    assert notes == ["Eve has no login there, and was left out", "7 stands there twice; the first counts"]
    for text in ('login,name\nada,"open\n', 'login,name\nada,"a"b\n'):
        (tmp_path / "roster.csv").write_text(text)
        with pytest.raises(UsageError, match="quote"):
            new.roster(tmp_path / "roster.csv")


def test_a_roster_without_logins_is_refused(tmp_path: Path) -> None:
    (tmp_path / "roster.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UsageError, match="no column is a login"):
        new.roster(tmp_path / "roster.csv")
