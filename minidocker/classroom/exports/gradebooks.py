"""Canvas' gradebook and Moodle's worksheet: the teacher's own export, with our marks in it.

Canvas (lib/gradebook_importer.rb): a row is a student by ID, SIS User ID, SIS Login ID, else by the
exact name, which stands in one column or in two; a header "Title (1234)" names an assignment, and
any other header would *make* one. So no header is ever written. "EX" excuses.
Moodle (mod/assign/feedback/offline): rows by "Participant 77"; a grade outside 0…max is skipped in
silence, and so is a row whose date of change is not what it was. So only the grade and the feedback
are filled. Its heads are in the teacher's language, and the columns in one order: whose, the grade,
the best grade, … , the feedback.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from minidocker.classroom.classfile import plain
from minidocker.classroom.exports.cells import Sheet, number, read
from minidocker.classroom.marks import Mark
from minidocker.errors import UsageError

IDS = ("id", "sis user id", "sis login id", "integration id", "identifier", "email address",
       "username", "student", "full name", "id number")  # fmt: skip
APART = ["lastname", "firstname", "id"]
GRADE = ("grade", "bewertung", "note", "calificación", "valutazione", "nota", "qualificació",
         "cijfer", "beoordeling", "betyg", "karakter", "ocena", "známka", "arvosana", "hinne",
         "оценка", "оцінка", "not", "βαθμός", "成绩", "成績", "評点", "성적")  # fmt: skip
FEEDBACK = ("feedback comments", "feedback als kommentar", "feedback als kommentare",
            "commentaires", "feedback par commentaires", "comentarios de retroalimentación",
            "comentários de feedback", "commenti", "feedback als commentaar")  # fmt: skip


def canvas(
    marks: Sequence[Mark], name: str, data: bytes, column: str, scale: float | None
) -> bytes:
    """Fill one assignment's column of a Canvas gradebook."""
    sheet = read(name, data)
    head = [one.casefold() for one in sheet.head()]
    apart = head[: 3] == APART
    if len(head) < 4 or not (apart or ("student" in head[0] and "id" in head[1])):
        said = f"{name} is no gradebook of Canvas: its first columns are {', '.join(head[:2])}"
        raise UsageError(said, "Grades, Export, Export Entire Gradebook")
    at = _column(sheet, column)
    if at < 2 + apart or head[at] in (*IDS, "section", "root account"):
        raise UsageError(f"{column} is no assignment: it says whose a row is", "name another")
    points = _points(sheet, at, 1 + apart)
    if points is not None and "read only" in sheet.say(points, at).casefold():
        raise UsageError(f"Canvas computes the column {column}: it is read only", "name another")
    # A table without that row, which somebody has made, is of 100 points.
    most = scale or (100.0 if points is None else _number(sheet.say(points, at)))
    if not most or not 0 < most < float("inf"):  # a guess would be a wrong mark for everybody
        said = f"{name} does not say how many points are possible in {column}"
        raise UsageError(said, "--scale N, the points of that assignment")
    skip = {0, *([points] if points is not None else [])}

    def cells(row: int, mark: Mark) -> dict[tuple[int, int], str]:
        if plain(sheet.say(row, at)) == "ex":  # whom the teacher has excused there stays so
            return {}
        return {(row, at): "EX" if mark.excused else number(mark.score(most))}

    return _filled(sheet, marks, head, skip, cells)


def moodle(
    marks: Sequence[Mark], name: str, data: bytes, column: str, scale: float | None,
    feedback: Callable[[Mark], str],
) -> bytes:  # fmt: skip
    """Fill grade and feedback of a Moodle grading worksheet."""
    sheet = read(name, data)
    head = [one.casefold() for one in sheet.head()]
    grade = _column(sheet, column) if column else _known(head, GRADE)
    if grade is None or len(head) < 3:
        said = f"{name} has no column that we know for the grade"
        raise UsageError(said, "--column NAME, as the worksheet's first line has it")
    words = _known(head, FEEDBACK)

    def cells(row: int, mark: Mark) -> dict[tuple[int, int], str]:
        limit = scale or _number(sheet.say(row, grade + 1))
        if not limit or limit <= 0:  # what is above the best grade would be skipped in silence
            said = f"{name}, row {row + 1}: the cell after the grade is no best grade"
            raise UsageError(said, "--scale N, the best grade of that assignment")
        filled = {(row, grade): number(mark.score(limit))}
        if words is not None:  # feedback alone would wipe a grade: both, or neither
            filled[row, words] = feedback(mark)
        return filled if filled[row, grade] else {}

    return _filled(sheet, marks, head, {0}, cells, range(grade))


def _points(sheet: Sheet, at: int, ids: int) -> int | None:
    """Find the row of the points possible: it names nobody, in whatever language it is called."""
    for row in range(1, len(sheet.rows)):
        if "points possible" in sheet.say(row, 0).casefold():
            return row
    nobody = (row for row in range(1, min(4, len(sheet.rows))) if not sheet.say(row, ids).strip())
    return next((row for row in nobody if _number(sheet.say(row, at)) is not None), None)


def _column(sheet: Sheet, column: str) -> int:
    """Find an assignment by its header, its title or the number in brackets."""
    head = sheet.head()
    found = [n for n, text in enumerate(head)
             if column in (text, text.rpartition(" (")[0])
             or text.endswith(f" ({column})")]  # fmt: skip
    if len(found) != 1:
        several = f"{len(found)} columns" if found else "no column"
        raise UsageError(f"{sheet.name} has {several} called {column!r}",
                         "one of: " + ", ".join(head[3:])[:400])  # fmt: skip
    return found[0]


def _known(head: Sequence[str], names: Sequence[str]) -> int | None:
    return next((head.index(name) for name in names if name in head), None)


def _filled(
    sheet: Sheet, marks: Sequence[Mark], head: Sequence[str], skip: set[int],
    cells: Callable[[int, Mark], dict[tuple[int, int], str]], whose: Sequence[int] = (),
) -> bytes:  # fmt: skip
    """Fill each student's row; refuse when somebody has none, or two, or shares one.

    whose: columns that say whose a row is, whatever their heads; "Participant 77" is 77, too.
    """
    columns = {n for n, name in enumerate(head) if name in IDS} | set(whose)
    rows: dict[str, set[int]] = {}
    for row in range(len(sheet.rows)):
        for column in columns if row not in skip else ():
            said = plain(sheet.say(row, column))
            rows.setdefault(said, set()).add(row)
            if head[:2] == APART[:2]:
                name = plain(f"{sheet.say(row, 1)} {sheet.say(row, 0)}")
                rows.setdefault(name, set()).add(row)
            if whose and column == 0 and (known := re.fullmatch(r"\D+(\d+)", said)):
                rows.setdefault(known[1], set()).add(row)
                rows.setdefault(f"participant {known[1]}", set()).add(row)
    owners: dict[int, str] = {}
    filled: dict[tuple[int, int], str] = {}
    for mark in marks:
        certain = [rows[one] for one in sorted(mark.student.names() - {plain(mark.student.name)})
                   if one in rows]  # fmt: skip
        found = set().union(*certain) or rows.get(plain(mark.student.name), set())
        if len(found) != 1:
            said = f"{len(found)} rows" if found else "no row"
            raise UsageError(f"{sheet.name} has {said} for {mark.student.login}",
                             'also = ["…"] in the class file: its number there')  # fmt: skip
        (row,) = found
        if (other := owners.setdefault(row, mark.student.login)) != mark.student.login:
            said = f"{sheet.name} has one row for {other} and {mark.student.login}"
            raise UsageError(said, 'also = ["…"] in the class file: their numbers there')
        if mark.total is not None or mark.excused:  # no verdict: the cell stays as it is
            filled.update(cells(row, mark))
    return sheet.filled(filled)


def _number(text: str) -> float | None:
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        return None
