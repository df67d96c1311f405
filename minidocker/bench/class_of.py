"""A made-up class: how long judging it takes, and what 5,000 submissions cost the coordinator.

The class is of solutions, starters, the catalogue's mistakes and a few that are hostile, with names
of all kinds. The 5,000 are judged by a judge that answers at once, which leaves all the rest.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from minidocker.bench import rivals
from minidocker.bench.clock import Clock
from minidocker.bench.rivals import ROOT

Result = dict[str, Any]
LESSONS = ("00", "01")
HOSTILE = (
    "while True:\n    pass\n",
    "import os\nwhile True:\n    os.write(1, b'A' * 65536)\n",
    "import os\nos.kill(-1, 9)\n",
    "held = []\nwhile True:\n    held.append(bytearray(1 << 20))\n",
    "import os\nwhile True:\n    os.fork()\n",
)
ODD = ("Zoë Ångström", "José Núñez", "李 小龙", "O'Brien -x", "=SUM(1)")
SIMULATED = """\
import json, resource, sys
sys.path.insert(0, {root!r})
from minidocker.classroom import judges
judges.CODE = {judge!r}
from minidocker.verbs.class_of import main
main(["grade", {into!r}, "--file", {file!r}, "--jobs", "2"])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, file=sys.stderr)
"""
AT_ONCE = """\
import sys
{!r}
told = open({told!r}).read()
for line in sys.stdin:
    sys.stdout.write(told + chr(10))
    sys.stdout.flush()
"""


def classes(work: str, clock: Clock, quick: bool, tick: Callable[[str], None]) -> Result:
    """Judge a class with one judge, and with one a core; then many, simulated."""
    if not os.path.isdir(os.path.join(ROOT, "solutions")):
        return {"problem": "the course's solutions are not beside this installation"}
    count, many = (8, 200) if quick else (24, 5000)
    folder = Path(work) / "class"
    made_up(folder / "in", count, hostile=0)  # a loop takes its bound, whatever the machine
    cores = len(os.sched_getaffinity(0))
    found: Result = {"submissions": count, "cores": cores}
    for jobs in sorted({1, cores}):
        tick(f"class, {jobs} at once")
        room = folder / f"jobs{jobs}"
        _command("class", "new", str(room), "--lessons", *LESSONS)
        argv = [*rivals.entry(), "class", "grade", str(folder / "in"), "--jobs", str(jobs),
                "--file", str(room / "class.toml")]  # fmt: skip
        sample = clock.measure(argv, {})
        if sample.status:
            return {"problem": f"class grade exited with {sample.status}: {sample.error}"}
        found[f"jobs_{jobs}"] = round(sample.wall / count, 2)
    found["speedup"] = round(found["jobs_1"] / found[f"jobs_{cores}"], 2)
    tick(f"class of {many}")
    found |= simulated(folder, many, folder / f"jobs{cores}")
    shutil.rmtree(folder)
    return found


def made_up(into: Path, count: int, hostile: int) -> dict[str, str]:
    """Write submissions; return name → what it is. Every fourth is an archive."""
    root, kinds = Path(ROOT), {}
    solutions = [next((root / "solutions").glob(f"{number}_*.py")) for number in LESSONS]
    wrong = [sorted((root / "tests/wrong" / path.stem).glob("*.py")) for path in solutions]
    for number in range(count):
        kind = "hostile" if number < hostile else ("right", "starter", "wrong", "wrong")[number % 4]
        name = ODD[number] if number < len(ODD) and count > 20 else f"student{number:04}"
        texts = {}
        for path, mistakes in zip(solutions, wrong, strict=True):
            text = path.read_text(encoding="utf-8")
            if kind == "starter":
                text = (root / "exercises" / path.name).read_text(encoding="utf-8")
            elif kind == "wrong" and mistakes:
                text += "\n" + mistakes[number % len(mistakes)].read_text(encoding="utf-8")
            elif kind == "hostile":
                text += "\n" + HOSTILE[number % len(HOSTILE)]
            texts[path.name] = text
        into.mkdir(parents=True, exist_ok=True)
        if number % 4 == 3:
            with zipfile.ZipFile(into / f"{name}.zip", "w") as archive:
                for file, text in texts.items():
                    archive.writestr(f"course/exercises/{file}", text)
        else:
            (into / name).mkdir()
            for file, text in texts.items():
                (into / name / file).write_text(text, encoding="utf-8")
        kinds[name] = kind
    return kinds


def simulated(folder: Path, many: int, judged: Path) -> Result:
    """Grade `many` submissions by a judge that answers at once, and write all pages."""
    record = json.loads(next((judged / "records").glob("*.json")).read_text(encoding="utf-8"))
    told = folder / "told.json"
    told.write_text(json.dumps({"lessons": record["lessons"], "seconds": 1.0}))
    into, room = folder / "many", folder / "room"
    for number in range(many):
        (into / f"student{number:04}").mkdir(parents=True)
        (into / f"student{number:04}" / "01_pid.py").write_text(f"number = {number}\n")
    _command("class", "new", str(room), "--lessons", *LESSONS)
    file = str(room / "class.toml")
    # judges.CODE is formatted with the package's directory, which this judge has no use for
    judge = AT_ONCE.replace("{told!r}", repr(str(told)))
    code = SIMULATED.format(root=ROOT, judge=judge, into=str(into), file=file)
    began = os.times().elapsed
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    if done.returncode:
        return {"problem": done.stderr.strip().splitlines()[-1]}
    grading = os.times().elapsed - began
    began = os.times().elapsed
    _command("class", "report", "--file", file, "--out", str(folder / "pages"))
    megabytes = int(done.stderr.split()[-1])
    promised = {"mb_at_5000": megabytes} if many >= 5000 else {}
    return {
        **promised, "many": many, "coordinator_mb": megabytes,
        "many_seconds": round(grading, 1), "pages_seconds": round(os.times().elapsed - began, 1),
        "page_kb": (folder / "pages/index.html").stat().st_size // 1000,
    }  # fmt: skip


def _command(*argv: str) -> None:
    subprocess.run([*rivals.entry(), *argv], check=True, capture_output=True)
