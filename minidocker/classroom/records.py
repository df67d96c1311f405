"""One durable record for each submission: all marks, tables and pages are made from these.

`records/LOGIN.json` beside the class file is written whole or not at all: a new file, synced, then
renamed. So whatever is killed at any moment, each submission has one record, or none yet.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from minidocker.course import outcomes as o
from minidocker.course.manifest import Lesson, Manifest
from minidocker.errors import Conflict, UsageError

SCHEMA = "minidocker/class/record/v1"
FOLDER = "records"
STAMPS = ("id", "handed_in", "submitted", "late")

Record = dict[str, Any]
"""schema, name, login, others, content, course, submitted, late, journal, sayings, notes, seconds,
remark, lessons: [{id, handed_in, why, ours, borrowed, checks}], of one that came earlier than the
rest its own submitted and late, too; was: what the last other grading said (`earlier`). others: who
else handed it in, by the platform; notes: what to look at by hand."""


class Records:
    """The records of one class."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / FOLDER

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep every other grading of this class out, until this process ends."""
        self.folder.mkdir(mode=0o700, exist_ok=True)  # marks and texts of people
        give_back(self.folder)
        with open(self.folder / ".lock", "w", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Conflict(f"{self.folder} is being written by another grading",
                               "wait for it, or end it with Ctrl-C") from None  # fmt: skip
            for left in self.folder.glob(".*.new"):  # what a kill has left: no record's name
                left.unlink()
            yield

    def path(self, name: str) -> Path:
        """Return where a submission's record lies; a name that is no file name gets a digest."""
        slug = re.sub(r"[^A-Za-z0-9@._-]", "_", name)[:60].lstrip(".-")
        if slug != name:
            slug = f"{slug}~{hashlib.sha256(name.encode(errors='replace')).hexdigest()[:10]}"
        return self.folder / f"{slug}.json"

    def one(self, name: str) -> Record | None:
        """Return a submission's record; None when there is none that is whole."""
        return read(self.path(name))

    def all(self, texts: bool = False) -> list[Record]:
        """Return every record, by name; without what was handed in, unless `texts` asks for it."""
        return sorted(self.each(texts), key=lambda one: str(one["name"]))

    def each(self, texts: bool = False) -> Iterator[Record]:
        """Yield the records one by one: 5,000 at once are as large as their texts."""
        for path in sorted(self.folder.glob("[!.]*.json")):
            if record := read(path):
                if not texts:
                    record.pop("files", None)
                yield record

    def count(self) -> int:
        """Return how many records there are."""
        return sum(1 for _ in self.folder.glob("[!.]*.json"))

    def write(self, record: Record) -> None:
        """Write a record: a new file, its bytes on the disk, then its name."""
        path = self.path(record["name"])
        new = path.with_name(f".{path.name}.new")
        try:
            with open(new, "w", encoding="utf-8") as file:
                json.dump(record, file, indent=1, ensure_ascii=False)
                file.write("\n")
                file.flush()
                os.fsync(file.fileno())
            give_back(new)
            os.replace(new, path)
        except OSError as problem:
            said = f"cannot write {path}: {problem.strerror}"
            raise UsageError(said, "free some space, or move the class") from None

    def forget(self, name: str) -> None:
        """Remove a submission's record: another has taken its place."""
        self.path(name).unlink(missing_ok=True)


def give_back(path: Path) -> None:
    """Give what root has made to the owner of the folder that it lies in: judging runs as root."""
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def read(path: Path) -> Record | None:
    """Return the record in a file; None when there is none, or it is no record of ours."""
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        raise UsageError(f"{path} is damaged", f"rm {path}, and grade again") from None
    return found if isinstance(found, dict) and found.get("schema") == SCHEMA else None


def content_digest(files: dict[str, dict[str, str]]) -> str:
    """Name what was handed in: the texts, or why there is none."""
    plain = {name: [one["text"], one["why"]] for name, one in files.items()}
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]


def course_digest(manifest: Manifest, lessons: Sequence[Lesson], place: str = "") -> str:
    """Name what judges: the lessons, their checks and the files of these; and where."""
    total = hashlib.sha256(place.encode())
    for lesson in lessons:
        total.update("".join(f"{lesson.id} {c.id} {c.points}\n" for c in lesson.checks).encode())
    for path in sorted((manifest.root / "tests/stages").rglob("*.py")):
        total.update(path.read_bytes())
    return total.hexdigest()[:16]


def with_earlier(
    files: dict[str, dict[str, Any]], old: Record | None, lessons: Collection[str]
) -> dict[str, dict[str, Any]]:
    """Add what an earlier submission has of lessons that this one lacks; return when it came.

    A platform hands out one assignment at a time: the second takes nothing of the first away. A
    text that is handed in once more came when it came first.
    """
    found: dict[str, dict[str, Any]] = {}
    if old is None:
        return found
    for name, file in old["files"].items():
        again = files.get(name, {}).get("text") == file["text"]
        if name not in lessons or file["why"] or (name in files and not again):
            continue
        stamp = {word: file.get(word, old[word]) for word in ("submitted", "late")}
        if name not in files or stamp["submitted"]:
            found[name] = stamp
            files[name] = {**file, **stamp}
    return found


def raised(new: Record, old: Record | None) -> Record:
    """Return a new record beside an old one: for the same text, what once passed has passed.

    A repaired check must not take points away. `was` keeps what the last other record said: of
    another text, of other checks, or with another result.
    """
    if not old or not old["lessons"]:
        return new
    before = {le["id"]: le for le in old["lessons"]}
    flips, other = {}, False
    for lesson in new["lessons"]:
        name = lesson["id"]
        was = before.get(name)
        if was is None or not was["handed_in"]:
            continue
        same = old["content"] == new["content"] or text_of(old, name) == text_of(new, name) != ""
        other = other or not same
        checks = {check["id"]: check for check in was["checks"]}
        for check in lesson["checks"]:
            one = checks.get(check["id"])
            if one and (one["outcome"], one["earned"]) != (check["outcome"], check["earned"]):
                flips[f"{name} {check['id']}"] = one["outcome"]
                if same and one["outcome"] == o.PASS and one["earned"] >= check["earned"]:
                    check.update(outcome=o.PASS, earned=one["earned"], code=one["code"],
                                 message=one["message"], kept=True)  # fmt: skip
    if new["lessons"] and not other and not flips and old["course"] == new["course"]:
        return {**new, "was": old["was"]} if old.get("was") else new
    same = old["content"] == new["content"]
    return {**new, "was": {**earlier(old), "text": same, "flips": flips}}


def text_of(record: Record, lesson: str) -> str:
    """Return what was handed in for a lesson; "" for nothing."""
    return str(record.get("files", {}).get(lesson, {}).get("text", ""))


def earlier(old: Record) -> Record:
    """Return of an old record what its mark is computed from; no messages, and no text."""
    kept = ("id", "outcome", "points", "earned")
    return {
        **{word: old.get(word, "") for word in ("course", "at", "submitted", "late")},
        "earned": earned(old),
        "lessons": [{**{word: lesson[word] for word in STAMPS if word in lesson},
                     "checks": [{word: check[word] for word in kept} for check in lesson["checks"]]}
                    for lesson in old["lessons"]],
    }  # fmt: skip


def earned(record: Record) -> int:
    """Return the points of a record."""
    return sum(check["earned"] for lesson in record["lessons"] for check in lesson["checks"])


def unjudged(record: Record) -> list[str]:
    """Return the checks without a verdict: blocked here, or the grader's own fault."""
    return [check["id"] for lesson in record["lessons"] for check in lesson["checks"]
            if check["outcome"] in (o.BLOCKED, o.ERROR)]  # fmt: skip


def points(record: Record) -> tuple[int, int, int]:
    """Return (earned, could be judged, all) of a record."""
    checks = [check for lesson in record["lessons"] for check in lesson["checks"]]
    judged = sum(c["points"] for c in checks if c["outcome"] not in (o.BLOCKED, o.ERROR))
    return earned(record), judged, sum(c["points"] for c in checks)
