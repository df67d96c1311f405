"""`class export autograder`: judged in a container without privileges, by the zip as it is unpacked.

The container's walls are Docker's: its capabilities and its filter, and so no namespace, no mount.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from minidocker.chamber import bare
from minidocker.grader.bare_checks import CHECKS

REPOSITORY = Path(__file__).resolve().parents[2]
FILE = "05_cgroups.py"
SOLUTION = (REPOSITORY / "solutions" / FILE).read_text()
GIVEN = (REPOSITORY / "exercises" / FILE).read_text()
SHOWN = {"limits_memory", "limits_cpu", "limits_pids", "why_words"}
ENEMY = """
import glob, os, sys
seen = []
for path in ("@root@/source/run_autograder", "@root@/results", "/etc/shadow"):
    try:
        seen.append(open(path).read() if "results" not in path else os.listdir(path))
    except OSError:
        pass
try:
    open("@root@/results/results.json", "w").write('{"score": 1000}')
    seen.append("written")
except OSError:
    pass
open("/tmp/left-@mark@", "w").close()
if os.fork() == 0:
    os.setsid()
    open("/proc/self/comm", "w").write("left-@mark@")
    while True:
        __import__("time").sleep(1)
if seen or os.getuid() == 0:
    limits = None  # no point then
"""

WORDS = ("-e", "AUTOGRADER", "-e", "JUDGE_PYTHON")
Run = Callable[..., subprocess.CompletedProcess]
pytestmark = pytest.mark.needs("root", "pidns")


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip of a class of lesson 05, unpacked as Gradescope does; nobody may enter what is above."""
    top = tmp_path_factory.mktemp("ag")
    run(top, "class", "new", str(top / "class"), "--lessons", "05")
    run(top, "class", "export", "autograder", "--file", str(top / "class/class.toml"),
        "--out", str(top / "a.zip"))  # fmt: skip
    with zipfile.ZipFile(top / "a.zip") as archive:
        for entry in archive.infolist():
            path = Path(archive.extract(entry, top / "root/source"))
            path.chmod(entry.external_attr >> 16)
    names = {path.name for path in (top / "root/source").iterdir()}
    assert names == {"setup.sh", "run_autograder", "class.toml", "course"}
    assert not list((top / "root/source").rglob("solutions"))
    return top / "root"


def run(top: Path, *argv: str, **env: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "minidocker", *argv], cwd=REPOSITORY, text=True, timeout=900,
        capture_output=True, env={**os.environ, "MINIDOCKER_ROOT": str(top / "store"), **env},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def judged(root: Path, files: dict[str, str], walls: bool = True) -> dict[str, Any]:
    """Return the results of a submission, judged behind a container's walls or without."""
    place = root / "submission"
    place.mkdir(exist_ok=True)
    for path in place.iterdir():
        path.unlink()
    for name, text in files.items():
        (place / name).write_text(text)
    env = {"AUTOGRADER": str(root), "JUDGE_PYTHON": sys.executable}
    script = str(root / "source/run_autograder")
    if walls:
        run(root, "run", "--rm", "--stages", "capabilities,seccomp", *WORDS, "--", script, **env)
    else:
        subprocess.run([script], env={**os.environ, **env}, check=True, timeout=900)
    found = json.loads((root / "results/results.json").read_text())
    (root / "results/results.json").unlink()
    return found


def test_without_privileges_what_can_be_shown_is_judged_and_the_rest_is_no_zero(unpacked: Path) -> None:
    found = judged(unpacked, {FILE: SOLUTION})
    tests = {test["tags"][1]: test for test in found["tests"]}
    assert {name for name, test in tests.items() if "score" in test} == SHOWN
    assert all(test["status"] == "passed" for name, test in tests.items() if name in SHOWN)
    assert "no namespaces" in tests["place"]["output"] and "no zero" in tests["place"]["output"]
    assert found["score"] == 23 and "7 of 7 points that could be judged, 23 in all" in found["output"]
    assert "The score is that part" in found["output"]
    for text in (GIVEN, "def f(:"):  # the same points for everybody
        found = judged(unpacked, {FILE: text})
        assert found["score"] == 0
    assert "there is nothing in it" in judged(unpacked, {})["output"]
    half = SOLUTION.replace('"max" if resources.pids < 0', '"min" if resources.pids < 0')
    found = judged(unpacked, {FILE: half})
    assert 0 < found["score"] < 23


def alive(name: str) -> list[str]:
    """Return the processes of a name that have not ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text(errors="replace")
        except OSError:
            continue
        if f"({name})" in text and text.rpartition(")")[2].split()[0] not in "ZX":
            found.append(text)
    return found


def test_an_enemy_reads_nothing_leaves_nothing_and_costs_its_own_marks(unpacked: Path) -> None:
    mark = os.urandom(4).hex()
    text = SOLUTION + ENEMY.replace("@root@", str(unpacked)).replace("@mark@", mark)
    found = judged(unpacked, {FILE: text})
    assert found["score"] == 23, found  # it saw nothing
    assert not Path(f"/tmp/left-{mark}").exists()
    assert not alive(f"left-{mark}")


def test_what_cannot_be_read_or_judged_has_a_result_that_says_so(unpacked: Path) -> None:
    for files in ({"work.rar": "Rar!"}, {"main.py": ""}):
        found = judged(unpacked, files)
        (one,) = found["tests"]
        assert (found["score"], one["max_score"]) == (0, 0) and "no zero" in one["output"]


def test_where_cells_can_be_made_all_is_judged(unpacked: Path) -> None:
    found = judged(unpacked, {FILE: SOLUTION}, walls=False)
    scored = {test["tags"][1] for test in found["tests"] if "score" in test}
    assert scored > SHOWN and found["score"] == 23


ALL = """
import json, sys
from pathlib import Path
from minidocker.classroom import worker
from minidocker.course.manifest import load
manifest = load(Path(sys.argv[1]))
files = {one.id: {"text": (manifest.root / "solutions" / one.file).read_text(), "why": ""}
         for one in manifest.lessons}
told = worker.one(manifest, {"lessons": list(files), "files": files})
print(json.dumps([[c["id"], c["outcome"], c["message"]] for le in told for c in le["checks"]]))
"""


def test_our_solutions_pass_each_check_of_the_list_in_a_plain_process_and_no_other() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ALL, str(REPOSITORY)], cwd=REPOSITORY, text=True, timeout=900,
        capture_output=True, env={**os.environ, bare.WORD: "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = {name: (outcome, said) for name, outcome, said in json.loads(done.stdout)}
    assert {name: found[name] for name in CHECKS if found[name][0] != "pass"} == {}
    assert {outcome for name, (outcome, _) in found.items() if name not in CHECKS} == {"blocked"}


def test_a_variant_does_not_leave_the_class(tmp_path: Path, minidocker: Run) -> None:
    minidocker("class", "new", str(tmp_path / "c"), "--lessons", "05")
    file = tmp_path / "c/class.toml"
    file.write_text(file.read_text().replace("variants = false", "variants = true"))
    done = minidocker("class", "export", "autograder", "--file", str(file), "--out", str(tmp_path / "a.zip"))
    assert done.returncode == 2 and "must not leave it" in done.stderr
