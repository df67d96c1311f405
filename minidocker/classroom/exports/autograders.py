"""Gradescope's results.json and autograder, and Classroom 50's result.json."""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

from minidocker.classroom.classfile import Class, plain
from minidocker.classroom.marks import EXCUSED, UNJUDGED, Mark
from minidocker.course import outcomes as o
from minidocker.course.printer import WORDS

VISIBLE = {"message": "visible", "points": "visible", "nothing": "hidden"}
SETUP = "#!/bin/sh\n# Everything was judged before: nothing to install.\n"
RUN = '''\
#!/usr/bin/env python3
"""Hand each student the result that was judged at home: no code of theirs runs here."""
import json, os, unicodedata
ROOT = os.environ.get("AUTOGRADER", "/autograder")
load = lambda name: json.load(open(ROOT + name, encoding="utf-8"))
users = load("/submission_metadata.json").get("users", [])
names = [str(user.get(key) or "") for user in users for key in ("email", "sid", "name")]
known = load("/source/names.json")
plain = lambda text: " ".join(unicodedata.normalize("NFKC", text).casefold().split())
file = next((known[plain(name)] for name in names if plain(name) in known), None)
said = {"output": "No result is here for " + ", ".join(filter(None, names)), "score": 0}
if file:
    said = load("/source/results/" + file)
os.makedirs(ROOT + "/results", exist_ok=True)
json.dump(said, open(ROOT + "/results/results.json", "w"))
'''


def gradescope(room: Class, mark: Mark, now: dt.datetime, partly: bool = False) -> dict[str, Any]:
    """Return one student's results.json: a test a check; a blocked one has no score.

    The score is the earned part of what could be judged, of all points. partly: also where a whole
    lesson could not be judged.
    """
    tests, earned, judged, whole = [], 0.0, 0, 0
    states = {one.lesson: one for one in mark.lessons}
    for report in mark.record["lessons"] if mark.record else ():
        for check in report["checks"] if report["id"] in states else ():
            shown = room.shown(check["id"], report["id"], now)
            test = {"name": f"{report['id']}: {check['title']}", "name_format": "text",
                    "visibility": VISIBLE[shown], "output_format": "text",
                    "tags": [report["id"], check["id"]]}  # fmt: skip
            whole += check["points"]
            if check["outcome"] in (o.BLOCKED, o.ERROR):
                why = f": {check['message']}" if shown == "message" else ""
                test["output"] = f"{WORDS[check['outcome']]}, which is no zero{why}"
            else:
                passed = check["outcome"] == o.PASS
                judged, earned = judged + check["points"], earned + check["earned"]
                test |= {"score": check["earned"], "max_score": check["points"],
                         "status": "passed" if passed else "failed",
                         "output": check["message"] if shown == "message" else ""}  # fmt: skip
            tests.append(test)
    said = f"{earned:.0f} of {judged} points that could be judged, {whole} in all."
    if judged < whole and judged:
        said += " The score is that part of all points; what is blocked counts neither way."
    if any(test["visibility"] == "hidden" for test in tests):  # the sum would tell it
        said = "The sum is shown after the lessons are due."
    off = [f"{one.lesson}: {one.off:g} % off for {one.late_days} days" for one in mark.lessons
           if one.off]  # fmt: skip
    if any(one.state == UNJUDGED for one in mark.lessons) and not partly:
        said = "There is no verdict yet: " + (mark.record["remark"] if mark.record else "")
    result: dict[str, Any] = {
        "output": "\n".join([said, *off]), "output_format": "text", "test_output_format": "text",
        "stdout_visibility": "hidden", "tests": tests,
        "execution_time": mark.record["seconds"] if mark.record else 0,
        "extra_data": {"edition": room.edition},
    }  # fmt: skip
    parts = [one for one in mark.lessons if one.part is not None]
    got = sum(one.earned * (1 - one.off / 100) for one in parts)
    if mark.total is not None or (partly and parts):
        whole = sum(one.points for one in mark.lessons if one.state != EXCUSED)
        result["score"] = round(got / (sum(one.judged for one in parts) or 1) * whole, 2)
    return result


def gradescope_zip(room: Class, marks: Sequence[Mark], now: dt.datetime) -> bytes:
    """Return an autograder that hands out these results, judged where it could be done."""
    names: dict[str, str] = {}
    files: dict[str, str | bytes] = {"setup.sh": SETUP, "run_autograder": RUN}
    for number, mark in enumerate(marks):
        file = f"{number}.json"
        names |= dict.fromkeys(sorted(map(plain, mark.student.names())), file)
        files[f"results/{file}"] = json.dumps(gradescope(room, mark, now), ensure_ascii=False)
    files["names.json"] = json.dumps(names, ensure_ascii=False)
    return packed(files)


def packed(files: Mapping[str, str | bytes]) -> bytes:
    """Return a zip of texts, the same for the same texts; scripts can be run."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            data = text.encode() if isinstance(text, str) else text
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.external_attr = (0o755 if data.startswith(b"#!") else 0o644) << 16
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def classroom50(room: Class, mark: Mark, at: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return a result.json of Classroom 50 (wiki, Advanced-Autograding): whole points."""
    tests = [
        {"test-name": f"{report['id']}: {check['title']}", "passed": check["outcome"] == o.PASS,
         "score": check["earned"], "max-score": check["points"], "outcome": check["outcome"]}
        for report in (mark.record["lessons"] if mark.record else ())
        for check in report["checks"] if check["outcome"] not in (o.BLOCKED, o.ERROR)
    ]  # fmt: skip
    result = {
        "schema": "classroom50/result/v1", "classroom": environ.get("CLASSROOM", room.title),
        "assignment": environ.get("ASSIGNMENT", "minidocker"),
        "submission": environ.get("SUBMISSION_TAG", mark.student.login),
        "commit": environ.get("COMMIT_URL", ""), "release": environ.get("RELEASE_URL", ""),
        "review": environ.get("REVIEW_URL", ""), "datetime": at,
        "score": sum(test["score"] for test in tests),
        "max-score": sum(test["max-score"] for test in tests), "tests": tests,
    }  # fmt: skip
    return json.dumps(result, indent=1, ensure_ascii=False) + "\n"
