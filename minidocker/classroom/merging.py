"""`minidocker class merge FOLDER…`: records of another machine, or of another day, into this class.

Each submission has one record in the end. Of two of one text the later is taken, and what once
passed has passed; of two texts the one that was handed in later, else judged later, with the
lessons of the other that it lacks. The other's mark stands beside it, as after any second grading.
Nothing is taken that other checks have judged.
"""

from __future__ import annotations

import datetime as dt
from argparse import Namespace
from collections import Counter
from pathlib import Path

from minidocker.classroom import marks, records
from minidocker.classroom.classfile import NAME, Class
from minidocker.classroom.exporting import open_class
from minidocker.classroom.records import Record, Records
from minidocker.course import outcomes as o
from minidocker.errors import NotFound, UsageError

TEXTS = ("name", "login", "content", "course", "at", "submitted", "remark")
NEW, SAME, OLDER, TAKEN = "new", "the same", "older than ours", "taken for ours"


def merge(options: Namespace) -> int:
    """Take the records of other folders; 0 when all could be read, 1 when one could not."""
    room, store = open_class(options.file)
    counts: Counter[str] = Counter()
    refused: list[str] = []
    others = [_records_of(Path(name), room) for name in options.folders]
    with store.held():
        for other in others:
            for path in sorted(other.folder.glob("[!.]*.json")):
                try:
                    counts[_take(store, checked(records.read(path), room), room)] += 1
                except UsageError as problem:
                    refused.append(f"{path}: {problem.message}")
    said = ", ".join(f"{number} {word}" for word, number in counts.items())
    print(f"{sum(counts.values())} records: {said or 'none'}; the class has {store.count()}.")
    for why in refused:
        print(o.inert(f"  not taken: {why}"))
    return 1 if refused else 0


def _records_of(folder: Path, room: Class) -> Records:
    """Return the records in a class's folder, or in a folder of records."""
    place = folder if (folder / records.FOLDER).is_dir() else folder.parent
    found = Records(place)
    if not found.folder.is_dir() or (place == folder.parent and found.folder != folder):
        raise NotFound(f"{folder} has no {records.FOLDER}/", f"name the folder of its {NAME}", 2)
    if found.folder.resolve() == (room.folder / records.FOLDER).resolve():
        raise UsageError(f"{folder} is this class", "name the folder of another machine")
    return found


def checked(record: Record | None, room: Class) -> Record:
    """Return a record that is one of this class's checks; UsageError says what is wrong with it."""
    if record is None:
        raise UsageError("this is no record of a submission", "")
    wanted = {lesson.id: {check.id: check.points for check in lesson.checks}
              for lesson in room.lessons}  # fmt: skip
    try:
        texts = all(isinstance(record[word], str) for word in TEXTS)
        found = {le["id"]: {c["id"]: c["points"] for c in le["checks"]} for le in record["lessons"]}
        sums = all(0 <= c["earned"] <= c["points"] and c["outcome"] in o.OUTCOMES
                   for le in record["lessons"] for c in le["checks"])  # fmt: skip
        kinds = isinstance(record["files"], dict) and isinstance(record.get("others", []), list)
    except (KeyError, TypeError, AttributeError):
        texts = sums = kinds = False
        found = {}
    if not (texts and sums and kinds):
        raise UsageError("it is damaged", "")
    if record["lessons"] and found != wanted:
        raise UsageError("it was judged by another edition, or for other lessons", "")
    known = {student.login for student in room.students}
    stranger = bool(known) and record["login"] not in known
    return {**record, "login": "" if stranger else record["login"]}


def _take(store: Records, theirs: Record, room: Class) -> str:
    """Put a record beside ours, if there is one, and say what became of it."""
    ours = store.one(theirs["name"])
    if ours is None:
        store.write(theirs)
        return NEW
    if {**ours, "was": 0, "login": 0} == {**theirs, "was": 0, "login": 0}:
        return SAME
    old, new = (ours, theirs) if later(theirs, ours) else (theirs, ours)
    same = old["content"] == new["content"]
    if same and not new["lessons"] and old["lessons"]:
        old, new = new, old  # a verdict is never lost to none
    if old["lessons"] and new["lessons"]:
        new = whole(new, old)
    before = new.get("was")
    merged = records.raised({word: told for word, told in new.items() if word != "was"}, old)
    if "was" not in merged and before:
        merged["was"] = before
    store.write(merged)
    return TAKEN if new is theirs else OLDER


def whole(new: Record, old: Record) -> Record:
    """Return a record with what an older one has of lessons that it lacks: as `class grade`."""
    files = dict(new["files"])
    stamps = records.with_earlier(files, old, [report["id"] for report in new["lessons"]])
    theirs = {report["id"]: report for report in old["lessons"]}
    lessons = []
    for report in new["lessons"]:
        name = report["id"]
        lacks = name in stamps and name in theirs and not report["handed_in"]
        lessons.append({**(theirs[name] if lacks else report), **stamps.get(name, {})})
    more = files.keys() != new["files"].keys()
    content = records.content_digest(files) if more else new["content"]
    return {**new, "files": files, "lessons": lessons, "content": content}


def later(one: Record, other: Record) -> bool:
    """Say whether a record is the later one: handed in later, else judged later."""
    handed = marks.moment(one["submitted"]), marks.moment(other["submitted"])
    if handed[0] and handed[1] and handed[0] != handed[1]:
        return handed[0] > handed[1]
    far = dt.datetime.min.replace(tzinfo=dt.UTC)
    return (marks.moment(one["at"]) or far) > (marks.moment(other["at"]) or far)
