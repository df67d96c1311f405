"""An autograder that judges where it runs: in a container of Gradescope's, without privileges.

    /autograder/source/       ours: course/, class.toml, run_autograder
    /autograder/submission/   what one student handed in
    /autograder/results/results.json

Cells are tried first; where the container has no namespaces, what a plain process can show is
judged as a user who is nobody (chamber/bare.py). The rest is blocked, which is no zero: the sum is
the part that was earned of what could be judged, and says so. When it came, and whose it is, the
platform knows.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from minidocker.chamber import bare
from minidocker.classroom import incoming, judges, marks, records
from minidocker.classroom.archives import Damaged
from minidocker.classroom.classfile import NAME, Class, edition_of, read
from minidocker.classroom.exporting import course, open_class, write
from minidocker.classroom.exports.autograders import gradescope, packed
from minidocker.classroom.new import quoted
from minidocker.classroom.pack import edition
from minidocker.course import exercise_file as subjects
from minidocker.course import outcomes as o
from minidocker.course.manifest import OWN_COURSE, Manifest, load
from minidocker.errors import UsageError
from minidocker.grader.bare_checks import CHECKS

ROOT = "/autograder"
SECONDS = 1200.0  # at most for one lesson and all its checks; Gradescope has a limit of its own
KEPT = ("minidocker/", "tests/stages/", subjects.STARTERS + "/")
NO_CELL = "no cell can be made here"
SETUP = """\
#!/bin/sh
# Python 3.11 or later, and the programs that the checks call.
set -e
apt-get update
apt-get install -y python3 python3-venv iproute2 nftables busybox openssl strace procps
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || apt-get install -y python3.11-venv
for python in python3.13 python3.12 python3.11 python3; do
    command -v $python > /dev/null && break
done
$python -m venv /opt/judge
/opt/judge/bin/pip install 'pytest>=7.4' 'pexpect>=4.8' 'rich>=13'
"""
RUN = """\
#!/bin/sh
# Judge what lies in /autograder/submission; the code of it runs as nobody.
export PYTHONPATH=${AUTOGRADER:-/autograder}/source/course PYTHONDONTWRITEBYTECODE=1
exec ${JUDGE_PYTHON:-/opt/judge/bin/python} -m minidocker.classroom.there
"""


def autograder_zip(room: Class, manifest: Manifest) -> bytes:
    """Return a zip for Gradescope that judges there: no solutions, nobody's name, no secret."""
    if room.variants:
        raise UsageError("variants are drawn from the class's secret, which must not leave it",
                         "judge here, and: class export gradescope")  # fmt: skip
    files: dict[str, str | bytes] = {"setup.sh": SETUP, "run_autograder": RUN, NAME: plain(room)}
    for name, (data, _) in edition(manifest).items():
        if name.startswith(KEPT):
            files[f"course/{name}"] = data
    return packed(files)


def plain(room: Class) -> str:
    """Return the class file for there: lessons, weights and what is shown; no student."""
    lines = [f"title = {quoted(room.title)}", f"edition = {quoted(edition_of(room.lessons))}"]
    for check, (before, after) in room.show.items():
        lines.append(f"[show.check.{check}]" if check else "[show]")
        lines += [f"before = {quoted(before)}", f"after = {quoted(after)}"]
    for part in room.parts:
        lines += ["[[lesson]]", f"id = {quoted(part.lesson.id)}", f"weight = {part.weight}"]
        lines += [f"due = {part.due.isoformat()}"] if part.due else []
    return "\n".join(lines) + "\n"


def export(options: Namespace) -> int:
    """`class export autograder`: nothing need be judged yet."""
    room, _ = open_class(options.file)
    data = autograder_zip(room, course())
    write(options.out or "autograder.zip", data)
    print(f"{options.out or 'autograder.zip'}: {len(data) >> 10} kB; it judges in Gradescope "
          "what a container without privileges can show", file=sys.stderr)  # fmt: skip
    return 0


def main(root: str = "") -> int:
    """Judge one submission, and write its results."""
    place = Path(root or os.environ.get("AUTOGRADER", ROOT))
    os.umask(0o077)
    results = place / "results"
    results.mkdir(exist_ok=True)
    for folder in (place / "source", results, place / "submission"):
        if os.geteuid() == 0 and folder.is_dir():
            folder.chmod(0o700)  # nobody, whom learner code runs as, reads none of it
    manifest = load(OWN_COURSE)
    room = read(place / "source" / NAME, manifest)
    said = judged(room, manifest, place / "submission")
    new = results / ".results.json.new"
    new.write_text(json.dumps(said, ensure_ascii=False), encoding="utf-8")
    os.replace(new, results / "results.json")
    return 0


def judged(room: Class, manifest: Manifest, submission: Path) -> dict[str, Any]:
    """Return the results.json of what lies in a folder."""
    given = {lesson.id: [subjects.starter(manifest, lesson)] for lesson in room.lessons}
    now = dt.datetime.now().astimezone()
    try:
        held = incoming.open_one(incoming.Found("you", "you", submission), room.lessons, given)
    except (Damaged, OSError) as problem:
        return _nothing(f"It could not be read: {problem}.")
    job = {"name": "you", "files": held["files"], "lessons": [one.id for one in room.lessons]}
    told = best(job)
    record = {"name": "you", "login": "you", "others": [], "submitted": "", "late": False,
              "remark": "", "lessons": [], "seconds": 0.0, **told}  # fmt: skip
    if not record["lessons"]:
        return _nothing(f"There is no verdict: {record['remark']}.")
    (mark,) = marks.of_class(room, [record])
    found = gradescope(room, mark, now, partly=True)
    blocked = records.unjudged(record)
    if blocked and records.points(record)[1] == 0:
        return _nothing("This container has no namespaces, and each check here needs some.")
    found["output"] = "\n".join([found["output"], *(o.inert(note) for note in held["notes"])])
    return found


def best(job: judges.Job) -> dict[str, Any]:
    """Judge in cells; where none can be made, in plain processes, the same checks for everybody."""
    told = _once(job)
    refused = any(NO_CELL in check["message"] for lesson in told.get("lessons", ())
                  for check in lesson["checks"])  # fmt: skip
    if not refused or os.geteuid() != 0:
        return told
    os.environ[bare.WORD] = "1"
    try:
        told = _once(job)
    finally:
        del os.environ[bare.WORD]
    for lesson in told.get("lessons", ()):
        for check in lesson["checks"]:
            if check["id"] not in CHECKS:  # of a file that was not handed in, too
                check.update(outcome=o.BLOCKED, earned=0)
        lesson["handed_in"] = True
    return told


def _once(job: judges.Job) -> dict[str, Any]:
    seconds = SECONDS * len(job["lessons"])
    told = [answer for _, answer in judges.work(iter([job]), 1, seconds, lambda names: None)]
    return told[0] if told else {"remark": "the judge gave no answer"}


def _nothing(why: str) -> dict[str, Any]:
    """Return results that are no zero: Gradescope wants a score, so it is 0 of 0."""
    said = f"{why} That is no zero: your teacher judges it elsewhere."
    return {"output": said, "output_format": "text", "score": 0,
            "tests": [{"name": "Nothing could be judged here", "score": 0, "max_score": 0,
                       "output": said, "output_format": "text"}]}  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
