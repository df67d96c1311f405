"""Marks, and every export beside its golden file; `python tests/unit/test_class_exports.py` writes them."""

from __future__ import annotations

import copy
import csv
import datetime as dt
import io
import json
import os
import subprocess
import sys
import time
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from class_examples import ENEMY, FIRST, RECORDS, ROOM, SECOND

from minidocker.classroom import batch, exporting
from minidocker.classroom import marks as m
from minidocker.classroom.classfile import Class, Part, Student
from minidocker.classroom.exports import autograders, cells, gradebooks, tables
from minidocker.errors import UsageError

GOLDEN = Path(__file__).parent / "class_golden"
NOW = dt.datetime(2026, 12, 24, tzinfo=dt.UTC)
MARKS = m.of_class(ROOM, RECORDS)
BY_LOGIN = {mark.student.login: mark for mark in MARKS}
CANVAS = (
    "\ufeffStudent,ID,SIS User ID,SIS Login ID,Section,Lab (1234),\"Lab, the 2nd (99)\",Final Score\r\n"
    ",,,,,Manual Posting,,\r\n"
    "    Points Possible,,,,,50,8,(read only)\r\n"
    '"Lovelace, Ada",4711,s1,ada,"Tu ""1""",,7.50,1\r\n'
    "Bob Bobson,4712,s2,bob,Tu, 12 ,,2\r\n"
    '"=HYPERLINK(""x"")",4713,s3,eve,"We\nor so",3,,3\r\n'
    "Zoë Ångström,4714,s4,zoë,We,,,\r\n"
    "Nobody,4715,s5,nil,We,,,\r\n"
    "Una,4716,s6,ups,We,1,,\r\n"
    '"Student, Test",9,,,We,,,\r\n'
)
MOODLE = (
    "Identifier,Full name,Email address,Status,Grade,Maximum Grade,Last modified (grade),Feedback comments\n"
    "Participant 7,Ada Lovelace,ada@x.org,Submitted,,20.00,-,\n"
    'Participant 8,Bob Bobson,bob@x.org,Submitted,3.00,20.00,"Monday, 1 December 2026",\n'
    "Participant 9,Eve,eve@x.org,Submitted,,20.00,-,\n"
    "Participant 4,Zoë Ångström,zoe@x.org,,,20.00,-,\n"
    "Participant 5,Nobody,nil@x.org,,,20.00,-,\n"
    "Participant 6,Una,ups@x.org,,1.00,20.00,-,kept\n"
)


def canvas() -> str:
    return gradebooks.canvas(MARKS, "g.csv", CANVAS.encode(), "1234", None).decode()


def moodle() -> str:
    data = gradebooks.moodle(MARKS, "w.csv", MOODLE.encode(), "", None, tables.feedback)
    return data.decode()


def of_all() -> list[m.Mark]:
    return m.of_class(ROOM, RECORDS, unknown=True)


TEXTS: dict[str, Callable[[], str]] = {
    "marks.csv": lambda: tables.table(ROOM, of_all(), 100.0),
    "marks.json": lambda: tables.as_json(ROOM, MARKS, 100.0),
    "junit.xml": lambda: tables.junit(ROOM, of_all(), 100.0),
    "nbgrader.csv": lambda: tables.nbgrader(ROOM, MARKS, 100.0),
    "canvas.csv": canvas,
    "moodle.csv": moodle,
    "gradescope.json": lambda: json.dumps(
        autograders.gradescope(ROOM, BY_LOGIN["eve"], NOW), indent=1, ensure_ascii=False) + "\n",
    "classroom50.json": lambda: autograders.classroom50(
        ROOM, BY_LOGIN["bob"], NOW.isoformat(), {"ASSIGNMENT": "pid"}),
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_an_export_is_as_its_golden_file(name: str) -> None:
    golden = (GOLDEN / name).read_bytes().decode()
    assert TEXTS[name]() == golden, "run: python tests/unit/test_class_exports.py, and look at them"


# --- marks -------------------------------------------------------------------------------


def test_weights_late_days_excuses_and_pairs() -> None:
    ada, bob, zoe, nil, ups = (BY_LOGIN[one] for one in ("ada", "bob", "zoë", "nil", "ups"))
    assert ada.score(100) == nil.score(100) == 100.0
    assert nil.notes == ("handed in by ada",)
    excused, late = bob.lessons
    assert (excused.state, excused.part, late.late_days, late.off) == ("excused", None, 3, 20.0)
    assert late.part == pytest.approx(late.earned / late.judged * 0.8) == bob.total
    assert zoe.excused and zoe.total is None
    assert ups.total is None and not ups.excused  # no verdict is no zero


def test_blocked_points_count_neither_way_and_weights_do() -> None:
    first = BY_LOGIN["eve"].lessons[1]
    assert (first.earned, first.state) == (0, "judged") and first.judged < first.points
    half = m.of_class(ROOM, [{**RECORDS[0], "lessons": [
        RECORDS[0]["lessons"][0], {**RECORDS[0]["lessons"][1], "handed_in": False}]}])[0]  # fmt: skip
    assert half.total == 0.25 and half.lessons[1].state == "missing"
    assert m.of_class(ROOM, RECORDS, [FIRST])[0].total == 1.0


def test_an_extension_and_the_teachers_time_count() -> None:
    bob = ROOM.student("bob")
    later = dt.datetime(2026, 12, 9, tzinfo=dt.UTC)
    for change, days in (({"extension": {SECOND: later}}, 0), ({"submitted": {SECOND: later}}, 8)):
        changed = type(bob)(**{**vars(bob), **change})
        room = Class(**{**vars(ROOM), "students": (changed,), "pairs": ()})
        assert m.of_class(room, RECORDS)[0].lessons[1].late_days == days


@pytest.mark.parametrize(
    ("due", "at", "days"),
    [
        ("2026-12-01T23:59:59.999999+01:00", "2026-12-01T23:59:59.9+01:00", 0),
        ("2026-12-01T18:00:00+01:00", "2026-12-01T17:00:00Z", 0),  # the same moment, elsewhere
        ("2026-12-01T18:00:00+01:00", "2026-12-01 17:00:00.000001 Z", 1),
        ("2026-12-01T18:00:00+01:00", "2026-12-02T18:00:00+01:00", 1),
        ("2026-12-01T18:00:00+01:00", "2026-12-02T18:00:00.1+01:00", 2),
        ("2026-10-24T23:59:59+02:00", "2026-10-25T23:59:00+01:00", 1),  # a day of 25 hours
        ("2026-03-28T23:59:59+01:00", "2026-03-30T00:30:00+02:00", 1),  # and one of 23
        ("2026-10-24T23:59:59+02:00", "2026-10-26T00:30:00+01:00", 2),
        ("2026-10-25T02:30:00+02:00", "2026-10-25T02:10:00+01:00", 1),  # the hour that is there twice
    ],
)  # fmt: skip
def test_a_begun_day_counts_and_no_hour_of_a_clock_that_is_put_back(
    monkeypatch: pytest.MonkeyPatch, due: str, at: str, days: int
) -> None:
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    try:
        part = Part(ROOM.lessons[1], 1.0, dt.datetime.fromisoformat(due))
        assert m.late_days(ROOM.student("ada"), part, {"submitted": at}) == days
    finally:
        monkeypatch.undo()
        time.tzset()


def test_free_days_are_spent_once_whichever_lesson_is_exported() -> None:
    """A teacher fills a column for each lesson: each of them had all free days for itself."""
    parts = tuple(Part(part.lesson, 1.0, dt.datetime(2026, 12, day, tzinfo=dt.UTC))
                  for part, day in zip(ROOM.parts, (1, 8), strict=True))  # fmt: skip
    room = Class(**{**vars(ROOM), "parts": parts, "pairs": (), "late_days": 2, "students": (Student(
        "ada", submitted={FIRST: dt.datetime(2026, 12, 3, tzinfo=dt.UTC),
                          SECOND: dt.datetime(2026, 12, 10, tzinfo=dt.UTC)}),)})  # fmt: skip
    (whole,) = m.of_class(room, RECORDS)
    assert [one.off for one in whole.lessons] == [0.0, 20.0]
    for name, off in ((FIRST, 0.0), (SECOND, 20.0)):
        (one,) = m.of_class(room, RECORDS, [name])
        assert [each.off for each in one.lessons] == [off] and one.total == 1 - off / 100


def test_a_group_of_the_platforms_has_one_submission() -> None:
    room = Class(**{**vars(ROOM), "pairs": ()})
    marks = m.of_class(room, [{**RECORDS[0], "others": ["nil", "gone"]}])
    found = {mark.student.login: mark for mark in marks}
    assert found["nil"].score(100) == found["ada"].score(100) == 100.0
    assert found["nil"].notes == ("handed in by ada",) and found["ups"].score(100) == 0


@pytest.mark.parametrize(
    "text", ["2026-12-01 10:00:00.123456789 Z", "2026-12-01 10:00:00 UTC", "2026-12-01T10:00:00+00:00",
             "2026-12-01 10:00:00 +0000"],
)  # fmt: skip
def test_times_of_platforms_are_read(text: str) -> None:
    at = m.moment(text)
    assert at is not None and at.replace(microsecond=0) == dt.datetime(2026, 12, 1, 10, tzinfo=dt.UTC)
    assert m.moment("2026-12-01 10:00:00") is None and m.moment("soon") is None


# --- tables of others --------------------------------------------------------------------


def test_canvas_keeps_every_other_byte() -> None:
    rows = [cells.read("x", text.encode()) for text in (CANVAS, canvas())]
    for before, after in zip(rows[0].rows, rows[1].rows, strict=True):
        assert [c[2] for n, c in enumerate(before) if n != 5] == [c[2] for n, c in enumerate(after) if n != 5]
    theirs, ours = (list(csv.reader(io.StringIO(t.removeprefix("\ufeff"), newline=""))) for t in (CANVAS, canvas()))
    assert [row[5] for row in ours[3:]] == ["50", ours[4][5], "0", "EX", "50", "1", ""]
    assert [row[:5] + row[6:] for row in theirs] == [row[:5] + row[6:] for row in ours]
    blank = cells.read("x", CANVAS.encode())
    assert blank.filled({}) == CANVAS.encode()


@pytest.mark.parametrize(
    ("table", "column", "says"),
    [
        (CANVAS.replace("eve", "evf").replace("4713", "9999"), "1234", "no row for eve"),
        (CANVAS.replace("9,,,We", "9,ada,,We"), "1234", "2 rows for ada"),
        (CANVAS, "Nowhere", "no column called"),
        (CANVAS, "Final Score", "read only"),
        (CANVAS, "SIS Login ID", "says whose a row is"),
        (CANVAS, "Section", "says whose a row is"),
        (CANVAS, "Student", "says whose a row is"),
        (CANVAS + '"Ada" ,1\n', "1234", "closing quote"),
        (CANVAS.replace("Student,ID", "Name,Number"), "1234", "no gradebook of Canvas"),
        (CANVAS + '"open', "1234", "never closes"),
        (CANVAS + "x,4711", "1234", "2 rows for ada"),
        (CANVAS.replace(",50,8,", ",,8,"), "1234", "how many points are possible"),
    ],
)
def test_canvas_is_refused_with_a_sentence(table: str, column: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        gradebooks.canvas(MARKS, "g.csv", table.encode(), column, None)


def test_the_points_possible_are_read_in_every_language() -> None:
    here, there = "Points Possible", "Puntos posibles"
    english = gradebooks.canvas(MARKS, "g.csv", CANVAS.encode(), "1234", None)
    spanish = gradebooks.canvas(MARKS, "g.csv", CANVAS.replace(here, there).encode(), "1234", None)
    assert spanish == english.replace(here.encode(), there.encode())


def test_a_name_in_two_columns_is_one() -> None:
    table = "LastName,FirstName,ID,SIS Login ID,Section,Lab (1)\nLovelace,Ada,1,x,1,\nNobody,,4715,y,1,\n"
    marks = [BY_LOGIN["ada"], BY_LOGIN["nil"]]
    filled = gradebooks.canvas(marks, "g.csv", table.encode(), "Lab", 10.0).decode()
    assert filled == table.replace("1,\n", "1,10\n")
    with pytest.raises(UsageError, match="says whose a row is"):
        gradebooks.canvas(marks, "g.csv", table.encode(), "ID", 10.0)


def test_whom_the_teacher_has_excused_in_canvas_stays_excused() -> None:
    table = "Student,ID,SIS Login ID,Section,Lab (1)\nA,4711,ada,1,EX\n"
    assert gradebooks.canvas(MARKS[:1], "g.csv", table.encode(), "Lab", 10.0) == table.encode()


def test_semicolons_and_latin_letters() -> None:
    table = "Student;ID;SIS Login ID;Section;Lab (1)\nA;4711;ada;1;\n"
    filled = gradebooks.canvas(MARKS[:1], "g.csv", table.encode(), "Lab", 10.0)
    assert filled == table.replace("1;\n", "1;10\n").encode()
    with pytest.raises(UsageError, match="not in UTF-8"):
        gradebooks.canvas(MARKS[:1], "g.csv", "Zoë".encode("latin-1"), "Lab", 10.0)


@pytest.mark.parametrize("code", ["utf-16-le", "utf-16-be"])
def test_a_table_in_utf_16_with_tabs_stays_one(code: str) -> None:
    text = CANVAS.replace(",", "\t")
    filled = gradebooks.canvas(MARKS, "g.csv", text.encode(code), "1234", None).decode(code)
    assert filled[0] == cells.BOM and filled.count("\t") == text.count("\t")
    assert filled.replace("\t", ",") == canvas()
    with pytest.raises(UsageError, match="not in UTF-16"):
        cells.read("g.csv", (cells.BOM + "a,b").encode(code) + b"x")


def test_moodle_fills_grade_and_feedback_together_or_neither() -> None:
    rows = list(csv.DictReader(io.StringIO(moodle())))
    assert [row["Grade"] for row in rows][::5] == ["20", "1.00"]
    assert rows[5]["Feedback comments"] == "kept"
    assert "3 days" in rows[1]["Feedback comments"]
    assert "Look next at" in tables.feedback(BY_LOGIN["eve"])
    checks = {check.id for lesson in ROOM.lessons for check in lesson.checks}
    assert "Look next at" not in tables.feedback(BY_LOGIN["eve"], checks)
    assert [row["Last modified (grade)"] for row in rows][1] == "Monday, 1 December 2026"


@pytest.mark.parametrize("code", ["MD9014", "MD9006"])
def test_feedback_on_a_file_that_cannot_be_read_or_loops_says_so(code: str) -> None:
    eve = copy.deepcopy(BY_LOGIN["eve"])
    assert eve.record is not None
    for report in eve.record["lessons"]:
        for check in report["checks"]:
            check["code"], check["message"] = code, "01.py cannot be judged: a pipe.\n  more"
    said = tables.feedback(eve)
    assert said.endswith(". 01.py cannot be judged: a pipe.") and "Look next at" not in said


def test_moodle_refuses_a_table_that_lacks_somebody() -> None:
    with pytest.raises(UsageError, match="no row for nil"):
        gradebooks.moodle(MARKS, "w", MOODLE.replace("nil@", "nix@").replace("Nobody", "N").encode(),
                          "", None, tables.feedback)  # fmt: skip
    assert gradebooks.moodle(MARKS[:1], "w", MOODLE.replace("Grade,M", "Nota,M").encode(), "Nota", None,
                             tables.feedback)  # fmt: skip


@pytest.mark.parametrize(
    ("head", "person"),
    [
        ("Teilnehmer/in,Vollständiger Name,E-Mail-Adresse,Status,Bewertung,Bestwertung", "Teilnehmer/in{}"),
        ("Identificador,Nombre completo,Dirección de correo,Estado,Calificación,Calificación máxima",
         "Participante {}"),
        ("識別子,フルネーム,メールアドレス,ステータス,評点,最大評点", "参加者 {}"),
    ],
    ids=["german", "spanish", "japanese"],
)  # fmt: skip
def test_moodles_worksheet_in_other_languages(head: str, person: str) -> None:
    rows = MOODLE.splitlines()[1:]
    table = "\n".join([f"{head},{MOODLE.splitlines()[0].split(',', 6)[6]}",
                       *(one.replace("Participant 7", person.format(4711)) for one in rows)]) + "\n"  # fmt: skip
    numbered = table.replace("Ada Lovelace,ada@x.org", "A.,a@y")  # known by the number alone
    for text in (table, numbered):
        filled = gradebooks.moodle(MARKS, "w", text.encode(), "", None, tables.feedback).decode()
        assert next(csv.reader([filled.splitlines()[1]]))[4:6] == ["20", "20.00"]
    no_most = table.replace(",20.00", ",")  # 100 of 20 would be skipped in silence
    with pytest.raises(UsageError, match="no best grade"):
        gradebooks.moodle(MARKS, "w", no_most.encode(), "", None, tables.feedback)
    assert gradebooks.moodle(MARKS, "w", no_most.encode(), "", 5.0, tables.feedback)


def test_two_students_never_share_a_row() -> None:
    twins = m.of_class(Class(**{**vars(ROOM), "pairs": (), "students": (
        Student("a1", "Nobody"), Student("a2", "Nobody"))}), RECORDS)  # fmt: skip
    with pytest.raises(UsageError, match="one row for a1 and a2"):
        gradebooks.canvas(twins, "g.csv", CANVAS.encode(), "1234", None)


def test_a_device_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    """`--out /dev/null` as root: a rename would leave a file there, for the whole machine."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    exporting.write(str(pipe), b"marks\n")
    assert os.read(reader, 100) == b"marks\n" and pipe.is_fifo()
    (tmp_path / "link").symlink_to(pipe)
    batch._write(str(tmp_path / "link"), [])
    assert os.read(reader, 100).startswith(b"name,digest") and pipe.is_fifo()
    os.close(reader)
    exporting.write(str(tmp_path / "file"), b"1")
    assert (tmp_path / "file").read_bytes() == b"1" and len(list(tmp_path.iterdir())) == 3


def test_no_cell_is_a_formula() -> None:
    for row in csv.reader(io.StringIO(tables.table(ROOM, of_all(), 100.0))):
        assert not [cell for cell in row if cell.lstrip()[:1] in ("=", "+", "-", "@", "\t")]
    assert cells.safe(" =1+1") == "' =1+1" and cells.safe(-1) == -1


# --- read back by others -----------------------------------------------------------------


def test_junit_is_read_by_an_xml_parser() -> None:
    root = ElementTree.fromstring(TEXTS["junit.xml"]().encode())
    for suite in root:
        assert int(suite.get("tests", "")) == len(suite)
        for kind, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.get(kind, "")) == len(suite.findall(f"testcase/{tag}"))
    eve = next(suite for suite in root if suite.get("name") == "eve")
    assert "<script>" in eve.findall("testcase/failure")[0].get("message", "")


def test_gradescope_hands_out_what_was_judged(tmp_path: Path) -> None:
    data = autograders.gradescope_zip(ROOM, MARKS, NOW)
    assert data == autograders.gradescope_zip(ROOM, MARKS, NOW)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(tmp_path / "source")
        assert {"setup.sh", "run_autograder"} <= set(archive.namelist())
    for users, score in (
        ([{"email": "ADA@x.org", "name": "?"}], BY_LOGIN["ada"]),
        ([{"email": None, "sid": "4712"}], BY_LOGIN["bob"]),
        ([{"name": unicodedata.normalize("NFD", "ZOË Ångström")}], BY_LOGIN["zoë"]),
        ([{"email": "who@x.org"}], None),
    ):
        (tmp_path / "submission_metadata.json").write_text(json.dumps({"users": users}))
        subprocess.run([sys.executable, tmp_path / "source/run_autograder"], check=True,
                       env={**os.environ, "AUTOGRADER": str(tmp_path), "LC_ALL": "C",
                            "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"})  # fmt: skip
        said = json.loads((tmp_path / "results/results.json").read_text())
        if score is None:
            assert "No result" in said["output"]
        else:
            assert said == autograders.gradescope(ROOM, score, NOW)


def test_gradescope_shows_what_the_class_file_says() -> None:
    said = autograders.gradescope(ROOM, BY_LOGIN["eve"], dt.datetime(2026, 11, 1, tzinfo=dt.UTC))
    tests = {test["tags"][1]: test for test in said["tests"]}
    assert tests["spawn"]["visibility"] == "hidden" and "sum is shown after" in said["output"]
    later = autograders.gradescope(ROOM, BY_LOGIN["eve"], NOW)
    spawn = next(test for test in later["tests"] if test["tags"][1] == "spawn")
    assert (spawn["visibility"], spawn["output"]) == ("visible", "")
    blocked = [test for test in said["tests"] if "no zero" in test.get("output", "")]
    assert blocked and not any("score" in test for test in blocked)
    assert "score" not in autograders.gradescope(ROOM, BY_LOGIN["ups"], NOW)
    assert ENEMY  # its text stands in a message as it is: Gradescope is told that it is text
    assert {test["output_format"] for test in said["tests"]} == {"text"}


def test_classroom50_counts_whole_points() -> None:
    said = json.loads(TEXTS["classroom50.json"]())
    assert isinstance(said["score"], int) and isinstance(said["max-score"], int)
    assert said["max-score"] == sum(test["max-score"] for test in said["tests"])


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for name, text in TEXTS.items():
        (GOLDEN / name).write_bytes(text().encode())
