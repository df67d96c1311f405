"""`class preflight` before a grading: what this machine lacks, and what is wrong with what came.

Nothing is judged and nothing is written, but for one exercise that is judged on trial: what a
machine says of itself is less than what it does.
"""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from minidocker.classroom import incoming, judges, records
from minidocker.classroom.archives import Damaged
from minidocker.classroom.classfile import Class
from minidocker.classroom.grading import JUDGE_MEMORY, default_jobs, each_once
from minidocker.course import exercise_file as subjects
from minidocker.course import outcomes as o
from minidocker.course.manifest import Manifest

RECORD = 200_000
"""So many bytes has a record of sixteen lessons, with its messages."""
TRIAL_SECONDS = 300.0


def look(room: Class, manifest: Manifest, paths: Sequence[Path]) -> int:
    """Print what should be mended before a grading; 0 when there is nothing."""
    found = each_once(incoming.find(paths, room)) if paths else []
    wrong = list(machine(room, manifest, len(found)))
    print("This machine:" if wrong else "This machine can judge the class.")
    for said in wrong:
        print(o.inert(f"  {said}"))
    if not found:
        return 1 if wrong else 0
    odd = list(submissions(room, manifest, found))
    print(f"{len(found)} submissions{', to look at:' if odd else ', and nothing odd in them.'}")
    for said in odd:
        print(o.inert(f"  {said}"))
    return 1 if wrong or odd else 0


def machine(room: Class, manifest: Manifest, count: int) -> Iterator[str]:
    """Yield what keeps this machine from judging so many submissions well."""
    jobs = default_jobs()
    with open("/proc/meminfo", encoding="ascii") as file:
        free = next(int(line.split()[1]) << 10 for line in file if "MemAvailable" in line)
    if free < JUDGE_MEMORY:
        yield f"memory: {free >> 20} MB are free, and a judge takes {JUDGE_MEMORY >> 20} MB"
    cores = len(os.sched_getaffinity(0))
    if jobs < cores:
        yield f"memory: {jobs} judges at once, on {cores} cores; close other programs"
    disk, need = shutil.disk_usage(room.folder).free, RECORD * max(count, len(room.students), 1)
    if disk < need:
        yield f"disk: {disk >> 20} MB are free at {room.folder}, and records take {need >> 20} MB"
    if not os.access(room.folder, os.W_OK):
        yield f"disk: {room.folder} cannot be written to"
    blocked, why = trial(room, manifest)
    if why:
        yield f"judging: {why}; minidocker doctor"
    if blocked:
        yield (f"checks: {' '.join(blocked)} cannot be shown here, which is no zero; "
               "a lab machine can: class grade --on vm")  # fmt: skip


def trial(room: Class, manifest: Manifest) -> tuple[list[str], str]:
    """Judge the exercises as they are given; return (the checks that are blocked, why none was)."""
    files = {lesson.id: {"text": subjects.starter(manifest, lesson), "why": "", "name": lesson.file}
             for lesson in room.lessons}  # fmt: skip
    job = {"name": "trial", "files": files, "lessons": [lesson.id for lesson in room.lessons]}
    seconds = TRIAL_SECONDS * len(room.lessons)
    for _, told in judges.work(iter([job]), 1, seconds, lambda names: None):
        if "remark" in told:
            return [], str(told["remark"])
        blocked = records.unjudged(told)
        checks = sum(len(lesson["checks"]) for lesson in told["lessons"])
        if len(blocked) == checks:
            return [], next(c["message"] for le in told["lessons"] for c in le["checks"])
        return blocked, ""
    return [], "the trial had no end"


def submissions(
    room: Class, manifest: Manifest, found: Sequence[incoming.Found]
) -> Iterator[str]:
    """Yield what a teacher should look at in what came: who, and what."""
    given = {lesson.id: subjects.starter(manifest, lesson) for lesson in room.lessons}
    same: dict[str, list[str]] = defaultdict(list)
    begun: dict[str, list[str]] = defaultdict(list)
    handed: set[str] = set()
    for one in found:
        handed.update({*room.partners(one.login), *one.others} if one.login else one.others)
        if not one.login and not one.others:
            yield f'{one.name}: nobody on the roster has this name; also = ["…"] in the class file'
        try:
            told = incoming.open_one(one, room.lessons, {name: [given[name]] for name in given})
        except (Damaged, OSError) as problem:
            yield from (f"{one.name}: {note}" for note in one.notes)
            yield f"{one.name}: no verdict: {problem}"
            continue
        yield from (f"{one.name}: {note}" for note in told["notes"])
        files = told["files"]
        yield from (f"{one.name}: {name} is not read: {file['why']}"
                    for name, file in files.items() if file["why"])  # fmt: skip
        if lost := [lesson.file for lesson in room.lessons if lesson.id not in files]:
            yield f"{one.name}: not handed in: {' '.join(lost)}"
        for name, file in files.items():
            if file["text"].strip() == given[name].strip():
                begun[name].append(one.name)
            elif file["text"].strip():
                same[f"{name}\n{file['text']}"].append(one.name)
    for text, names in same.items():
        if len(names) > 1:
            yield f"{' '.join(names)}: the same {text.partition(chr(10))[0]}.py, byte for byte"
    for name, names in begun.items():
        yield f"{' '.join(names)}: {name} is the exercise as it was given"
    if missing := [one.login for one in room.students if one.login not in handed]:
        yield f"nothing handed in: {' '.join(missing)}"
