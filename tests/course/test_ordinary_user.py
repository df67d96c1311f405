"""An ordinary user is judged in the same cells: the solutions, and a tenth of the catalogue.

In a mount namespace of its own, with a user, subordinate ids and a home that this machine need not
have. Which checks such a user has stands in the manifest (`user`), and is what is compared.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from test_catalogue import (
    AT_ONCE,
    COURSE,
    JUDGE,
    ROOT,
    WRONG,
    files,
    header,
    judged,
    laid_over,
    solution,
)  # fmt: skip

USER = 54321
NAMES = {"passwd": f"learner:x:{USER}:{USER}::/tmp:/bin/sh\n", "group": f"learner:x:{USER}:\n"}
pytestmark = pytest.mark.needs("root", "pidns", "userns")
AS_USER = f"""
for name in passwd group subuid subgid; do mount --bind "$0/$name" "/etc/$name" || exit 9; done
exec setpriv --reuid {USER} --regid {USER} --clear-groups env HOME=/tmp USER=learner "$@"
"""


def verdicts(folder, ranges, entries):
    """Let the user judge entries; (lesson, subject, check) → verdict."""
    for name in ("passwd", "group"):
        (folder / name).write_text(Path("/etc", name).read_text() + NAMES[name])
    for name in ("subuid", "subgid"):
        (folder / name).write_text(ranges)
    argv = ["unshare", "--mount", "--propagation", "private", "sh", "-c", AS_USER, str(folder),
            *JUDGE]  # fmt: skip
    env = {"PATH": os.environ["PATH"], "MINIDOCKER_COURSE": str(ROOT), "PYTHONPATH": str(ROOT)}
    processes = judged(entries, argv, env, AT_ONCE)
    for one in processes:
        if not one.stdout:
            pytest.skip(f"an ordinary user cannot reach the course here: {one.stderr[-300:]}")
    found = [json.loads(line) for one in processes for line in one.stdout.splitlines()]
    return {(one["lesson"], one["subject"], one["id"]): one for one in found}


BY_NODES = {"any_device_is_a_whiteout", "major_zero", "minor_zero"}
"""Mistakes that only a device shows; no ordinary user can make one."""


def tenth():
    """Every tenth mistake: (lesson, path)."""
    mistakes = [(lesson, path) for lesson, path in files(WRONG) if path.stem not in BY_NODES]
    needs = {(lesson.id, check.id): check.user for lesson in COURSE.lessons
             for check in lesson.checks}  # fmt: skip
    return [(lesson, path) for lesson, path in mistakes[::10]
            if needs[lesson.id, header(path)["fails"]] in ("one id", "ids")]  # fmt: skip


@pytest.mark.parametrize(
    ("ranges", "users"), [(f"{USER}:100000:65536\n", ("one id", "ids")), ("", ("one id",))]
)
def test_the_solutions(tmp_path, ranges, users):
    tmp_path.chmod(0o755)
    entries = [{"lesson": one.id, "name": "solution", "text": solution(one)}
               for one in COURSE.lessons]  # fmt: skip
    found = verdicts(tmp_path, ranges, entries)
    for lesson in COURSE.lessons:
        for check in lesson.checks:
            verdict = found[lesson.id, "solution", check.id]
            wanted = "pass" if check.user in users else "blocked"
            assert verdict["outcome"] == wanted, verdict


def test_a_tenth_of_the_catalogue(tmp_path):
    tmp_path.chmod(0o755)
    chosen = tenth()
    entries = [{"lesson": lesson.id, "name": path.stem, "text": laid_over(lesson, path),
                "checks": [header(path)["fails"]]} for lesson, path in chosen]  # fmt: skip
    found = verdicts(tmp_path, f"{USER}:100000:65536\n", entries)
    for lesson, path in chosen:
        wanted = header(path)
        verdict = found[lesson.id, path.stem, wanted["fails"]]
        assert verdict["outcome"] == "fail" and wanted["says"] in verdict["message"], verdict
