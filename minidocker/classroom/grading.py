"""`minidocker class grade`: every submission judged, one durable record each, resumed by digest.

Judged in the chamber by N processes at once, or with --on vm in pristine machines, one at a time.
What could not be judged has no verdict, with the reason; it is tried again next time.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import tarfile
import time
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from minidocker.chamber.cell_needs import PACKAGE
from minidocker.classroom import incoming, judges, platforms, records, variants
from minidocker.classroom.archives import Damaged
from minidocker.classroom.bar import Bar
from minidocker.classroom.classfile import Class, read
from minidocker.classroom.incoming import Found
from minidocker.classroom.records import Record, Records
from minidocker.course import exercise_file as subjects
from minidocker.course import outcomes as o
from minidocker.course.manifest import Manifest, load
from minidocker.errors import MinidockerError, NotFound, UsageError
from minidocker.grader import bound

JUDGE_MEMORY = 400 << 20
"""A judge, its zygote and a cell at work, with room: measured 70 MB, and a cell may have 256."""


def grade(options: Namespace) -> int:
    """Judge what is new or changed; 0 when each has a verdict, 4 when one has none."""
    manifest = load() if os.environ.get("MINIDOCKER_COURSE") else load(PACKAGE.parent)
    room = read(Path(options.file), manifest)
    if options.scheduler and (options.on or options.jobs):
        raise UsageError("with --scheduler the cluster says how many at once, and where",
                         "leave --jobs and --on out")  # fmt: skip
    if options.on and options.jobs not in (None, 1):
        raise UsageError("--on vm has one machine, so --jobs is 1", "leave --jobs out")
    found = each_once(incoming.find([Path(one) for one in options.submissions], room))
    if options.only:
        names = {one.name for one in found}
        if unknown := [name for name in options.only if name not in names]:
            raise NotFound(f"no submission is called {', '.join(unknown)}",
                           "without --only each is listed by its name", 2)  # fmt: skip
        found = [one for one in found if one.name in options.only]
    if options.keep and options.keep not in [one.name for one in found]:
        raise NotFound(f"no submission is called {options.keep}", "class grade lists them", 2)
    if not found:
        raise NotFound("no submissions are there", "name folders, zips or tars", 2)
    store = Records(room.folder)
    course = records.course_digest(manifest, room.lessons, options.on or "chamber")
    with store.held(), Bar(len(found)) as bar:
        for path in options.submissions if not options.only else ():
            label = platforms.who(Path(path).resolve().name, {}, room).label
            old = store.one(label)
            if old and not old["lessons"] and label not in {one.name for one in found}:
                store.forget(label)  # it could not be read once, and is a whole class's
        work = Work(manifest, room, store, course, bar, options)
        work.run(found)
    _compared(work.changed)
    return _sum_up(room, store, found)


def _sums(record: Record, old: Record) -> dict[str, tuple[int, int, int]]:
    """Return the points of the lessons that an older record has: a new lesson changes none."""
    known = {report["id"] for report in old["lessons"] if report["handed_in"]}
    return {report["id"]: records.points({"lessons": [report]})
            for report in record["lessons"] if report["id"] in known}  # fmt: skip


def _compared(changed: list[tuple[Record, Record]]) -> None:
    """Print the old points of a regrade beside the new ones, and what has changed."""
    if changed:
        print(f"{len(changed)} are not what they were:")
    for record, old in changed:
        before, now = records.points(old), records.points(record)
        flips = record.get("was", {}).get("flips", {})
        why = "another text" if old["content"] != record["content"] else "the same text"
        told = f"{now[0]}/{now[1]}" if record["lessons"] else "without a verdict"
        said = f"{before[0]}/{before[1]} is now {told}"
        names = " ".join(name.split()[-1] for name in list(flips)[:6])
        print(o.inert(f"  {record['name']:<20} {said}; {why}; {names}".rstrip("; ")))


def each_once(found: list[Found]) -> list[Found]:
    """Give a second submission of one student a name of its own: of the two the better counts."""
    seen: dict[str, Found] = {}
    result = []
    for one in found:
        first = seen.setdefault(one.name, one)
        if first is not one:
            where = f"{one.path.name}/{one.part}".rstrip("/")
            also = f"{first.path.name}/{first.part}".rstrip("/")
            note = f"{first.name} has another submission, {also}; the better one counts"
            shared = tuple(dict.fromkeys([first.login, *one.others])) if first.login else ()
            one = replace(one, name=f"{one.name} ({where})", login="", label="", others=shared,
                          notes=(*one.notes, note))  # fmt: skip
        result.append(one)
    return result


class Work:
    """One grading: from what was found to records on the disk."""

    def __init__(
        self, manifest: Manifest, room: Class, store: Records, course: str, bar: Bar,
        options: Namespace,
    ) -> None:  # fmt: skip
        self.manifest, self.room, self.store = manifest, room, store
        self.course, self.bar, self.options = course, bar, options
        self.lessons = [lesson.id for lesson in room.lessons]
        self.starters = {lesson.id: subjects.starter(manifest, lesson) for lesson in room.lessons}
        self.changed: list[tuple[Record, Record]] = []

    def run(self, found: list[Found]) -> None:
        """Judge all; a record is written as soon as its verdict is there."""
        if self.options.on:
            for job in self.jobs(found):
                self.bar.busy([job["name"]])
                self.record(job, in_machine(self.manifest, self.room, job))
            return
        checks = sum(len(lesson.checks) for lesson in self.room.lessons)
        seconds = (60 + checks * bound.TOTAL_SECONDS) * bound.scale()
        count = min(self.options.jobs or default_jobs(), len(found))
        if self.options.scheduler:
            from minidocker.classroom import cluster

            work = cluster.work(self.jobs(found), self.options.scheduler, self.course, seconds,
                                self.bar.busy)  # fmt: skip
        else:
            work = judges.work(self.jobs(found), count, seconds, self.bar.busy)
        for job, told in work:
            self.record(job, told)

    def jobs(self, found: list[Found]) -> Iterator[judges.Job]:
        """Open each submission and yield a job where it is not judged yet as it stands."""
        for one in found:
            job: judges.Job = {"name": one.name, "found": one, "lessons": self.lessons,
                               "files": {}, "journal": [], "sayings": {},
                               "notes": list(one.notes),
                               "variants": variants.seeds(self.room, self.owners(one))}  # fmt: skip
            old = self.old(one)
            try:
                job.update(incoming.open_one(one, self.room.lessons, self.given(job["variants"])))
            except (Damaged, OSError) as problem:
                records.with_earlier(job["files"], old, self.lessons)
                self.record(job, {"remark": o.inert(str(problem))[:500]})
                continue
            job["before"] = records.with_earlier(job["files"], old, self.lessons)
            job["content"] = records.content_digest(job["files"])
            if one.name == self.options.keep:
                self.keep(job)
            same = old and (old["content"], old["course"]) == (job["content"], self.course)
            if same and old and not old["remark"] and not self.options.again:
                if about := {key: value for key, value in self.about(job).items()
                             if value != old.get(key)}:  # fmt: skip
                    self.store.write({**old, **about})  # whose, or when, is known better now
                    self.moved(one)
                self.bar.done(old, known=True)
                continue
            yield job

    def given(self, seeds: list[str]) -> dict[str, list[str]]:
        """Return each lesson's exercise as it was handed out: to all, and in these variants."""
        return {
            lesson: [text, *(variants.variant(text, seed) for seed in seeds)]
            for lesson, text in self.starters.items()
        }

    def owners(self, one: Found) -> list[str]:
        """Return who hands a submission in: its owner, partners, and whom the platform names."""
        return [*self.room.partners(one.login), *one.others]

    def old(self, one: Found) -> Record | None:
        """Return the record of a submission; of one that had no owner yet, that of its label."""
        if found := self.store.one(one.name):
            return found
        found = self.store.one(one.label) if one.login and one.label else None
        return found if found and not found["login"] else None

    def moved(self, one: Found) -> None:
        """Remove the record that a submission had before its owner was known: one row each."""
        old = self.store.one(one.label) if one.label not in ("", one.name) else None
        if old and not old["login"]:
            self.store.forget(one.label)

    def about(self, job: judges.Job) -> Record:
        """Return what a record says of a submission beside its verdict: whose, and when."""
        one: Found = job["found"]
        return {"name": one.name, "login": one.login, "others": list(one.others),
                "submitted": one.submitted, "late": one.late, "notes": job["notes"],
                "journal": job["journal"], "sayings": job["sayings"]}  # fmt: skip

    def record(self, job: judges.Job, told: dict[str, Any]) -> None:
        """Write what became of a job."""
        one: Found = job["found"]
        record: Record = {
            "schema": records.SCHEMA, **self.about(job),
            "content": job.get("content", ""), "course": self.course,
            "at": dt.datetime.now().astimezone().isoformat(timespec="seconds"),
            "seconds": told.get("seconds", 0.0), "remark": told.get("remark", ""),
            "files": job["files"], "lessons": told.get("lessons", []),
        }  # fmt: skip
        faults = [c["id"] for le in record["lessons"] for c in le["checks"]
                  if c["outcome"] == o.ERROR]  # fmt: skip
        for lesson in record["lessons"]:
            lesson.update(job.get("before", {}).get(lesson["id"], {}))
        if faults:
            record["remark"] = "the grader has a fault in " + ", ".join(faults)
        old = self.old(one)
        if not record["lessons"] and old and old["content"] == record["content"] and old["lessons"]:
            record["lessons"] = old["lessons"]  # a verdict is never lost to a fault of ours
        record = records.raised(record, old)
        self.store.write(record)
        if old and old["lessons"] and _sums(old, old) != _sums(record, old):
            self.changed.append((record, old))
        self.moved(one)
        self.bar.done(record, old=old)

    def keep(self, job: judges.Job) -> None:
        """Write a submission's files where the teacher can look at them, and say how."""
        place = self.room.folder / "kept" / self.store.path(job["name"]).stem
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, file in job["files"].items():
            (place / f"{name}.py").write_text(file["text"], encoding="utf-8")
        for path in (place.parent, place, *place.iterdir()):
            records.give_back(path)
        self.bar.say(f"kept in {place}; to judge it alone: minidocker grade --from {place}")


def default_jobs() -> int:
    """Return how many judges this machine holds: one a core, while the memory lasts."""
    with open("/proc/meminfo", encoding="ascii") as file:
        free = next(int(line.split()[1]) << 10 for line in file if "MemAvailable" in line)
    return max(1, min(len(os.sched_getaffinity(0)), free // JUDGE_MEMORY))


def in_machine(manifest: Manifest, room: Class, job: judges.Job) -> dict[str, Any]:
    """Judge one submission in a machine that is put back for it; it ends with its work."""
    from minidocker.classroom.worker import machine_report
    from minidocker.vm import remote
    from minidocker.vm.machine import Machine

    begin, content = time.monotonic(), io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for name, file in job["files"].items():
            data = file["text"].encode()
            entry = tarfile.TarInfo(f"{name}.py")
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    machine = Machine("grading", shared=False)
    words = [*(lesson.number for lesson in room.lessons), "--json", "-"]
    try:
        _, said = remote.judge(machine, content.getvalue(), words, merged=False)
        told = json.loads(remote.believe(said))
        lessons = machine_report(manifest, room.lessons, job, told)
    except (MinidockerError, ValueError, KeyError, TypeError) as problem:
        return {"remark": remote.harmless(str(problem)) or "the machine gave no report"}
    finally:
        machine.down()
    return {"lessons": lessons, "seconds": round(time.monotonic() - begin, 2)}


def _sum_up(room: Class, store: Records, found: list[Found]) -> int:
    """Say what is there now, and who is missing; the exit status."""
    names, handed = {one.name for one in found}, set[str]()
    without: list[str] = []
    blocked: set[str] = set()
    notes: list[str] = []
    for record in store.each():
        handed.update(room.partners(record["login"]) if record["login"] else ())
        if record["name"] in names and record["remark"]:
            without.append(f"{record['name']}: {record['remark']}")
        elif record["name"] in names:
            blocked.update(records.unjudged(record))
        if record["name"] in names:
            notes += [f"{record['name']}: {note}" for note in record.get("notes", ())]
            notes += [f"{record['name']}: {le['id']} was not read: {le['why']}"
                      for le in record["lessons"] if le["why"]]  # fmt: skip
        handed.update(record.get("others", ()))
    print(f"{len(found)} submissions, {len(found) - len(without)} with a verdict.")
    for said in without:
        print(o.inert(f"  no verdict  {said}"))
    if blocked:
        print(f"  blocked here, and no zero: {' '.join(sorted(blocked))}; a machine can: --on vm")
    for said in notes:
        print(o.inert(f"  to look at  {said}"))
    strangers = [one.name for one in found if not one.login and not one.others]
    for name in strangers:
        print(o.inert(f"  not on the roster: {name}"))
    if missing := [one.login for one in room.students if one.login not in handed]:
        print(o.inert(f"  nothing handed in: {' '.join(missing)}"))
    return 4 if without else 0
