"""`minidocker class`: the real command over a small class, interrupted, killed and resumed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from minidocker.chamber.cgroups import sweep

REPOSITORY = Path(__file__).resolve().parents[2]
FILE = "00_what_is_a_container.py"
SOLUTION = (REPOSITORY / "solutions" / FILE).read_text()
STARTER = (REPOSITORY / "exercises" / FILE).read_text()
HOSTILE = {
    "loops": "while True:\n    pass\n",
    "floods": "import os\nwhile True:\n    os.write(1, b'A' * 65536)\n",
    "kills": "import os, signal\nos.kill(-1, signal.SIGKILL)\nos.kill(os.getppid(), 9)\n",
}
ROSTER = "login,name\nada,Ada Lovelace\nbob,Bob\nzoe,Zoë Å\nabsent,Nobody\n"

Run = Callable[..., subprocess.CompletedProcess]


@pytest.fixture
def room(tmp_path: Path, minidocker: Run) -> Path:
    """A class of lesson 00, and submissions beside it."""
    (tmp_path / "roster.csv").write_text(ROSTER)
    done = minidocker("class", "new", str(tmp_path / "class"), "--roster",
                      str(tmp_path / "roster.csv"), "--lessons", "00")  # fmt: skip
    assert done.returncode == 0, done.stderr
    for name, text in {"ada": SOLUTION, "bob": STARTER}.items():
        (tmp_path / "in" / name).mkdir(parents=True)
        (tmp_path / "in" / name / FILE).write_text(text)
    with zipfile.ZipFile(tmp_path / "in/Zoë Å.zip", "w") as archive:
        archive.writestr(f"course/exercises/{FILE}", "\ufeff" + SOLUTION.replace("\n", "\r\n"))
    return tmp_path


def grade(minidocker: Run, room: Path, *more: str, **how: object) -> subprocess.CompletedProcess:
    return minidocker("class", "grade", str(room / "in"), "--file", str(room / "class/class.toml"),
                      *more, timeout=1200, **how)  # fmt: skip


def marks(room: Path) -> dict[str, tuple[int, str]]:
    found = {}
    for path in (room / "class/records").glob("*.json"):
        record = json.loads(path.read_text())
        assert record["name"] not in found
        points = sum(check["earned"] for le in record["lessons"] for check in le["checks"])
        found[record["name"]] = (points, record["remark"])
    return found


@pytest.mark.needs("root", "pidns")
def test_a_class_with_enemies_is_graded_as_each_alone(room: Path, minidocker: Run) -> None:
    for name, text in HOSTILE.items():
        (room / "in" / name).mkdir()
        (room / "in" / name / FILE).write_text(f"{SOLUTION}\n{text}")
    (room / "in/link").mkdir()
    (room / "in/link" / FILE).symlink_to("/etc/shadow")
    (room / "in/none.zip").write_bytes(b"PK")
    shutil.copytree(room / "in/ada", room / "in/ADA")
    done = grade(minidocker, room, "--jobs", "2")
    assert done.returncode == 4, done.stderr
    found = marks(room)
    alone = minidocker("grade", "00", "--from", str(room / "in/ada"), "--json", "-")
    full = json.loads(alone.stdout)["earned"]
    assert found["ada"] == found["zoe"] == (full, "")
    assert found["bob"][0] < full and not found["bob"][1]
    assert found["loops"] == found["floods"] == (0, "")
    # It is the solution, after all: what was seen before it killed all that it may kill is right.
    assert found["kills"][0] < full and not found["kills"][1]
    assert found["link"] == (0, "")  # judged: it is no file, which costs its own marks
    assert "cannot be read" in found["none"][1]
    assert (full, "") in [told for name, told in found.items() if name.startswith("ada (")]
    assert "another submission" in done.stdout and "the better one counts" in done.stdout
    secret = Path("/etc/shadow").read_text().splitlines()[0]
    assert secret not in "".join(p.read_text() for p in (room / "class/records").glob("*.json"))
    assert "nothing handed in: absent" in done.stdout
    assert "not on the roster: loops" in done.stdout
    assert len(found) == len(list((room / "in").iterdir()))


@pytest.mark.needs("root", "pidns")
def test_it_goes_on_after_ctrl_c_and_sigkill(room: Path, minidocker: Run, command: list[str]) -> None:
    for end in (signal.SIGINT, signal.SIGKILL):
        argv = [*command, "class", "grade", str(room / "in"), "--jobs", "1",
                "--file", str(room / "class/class.toml")]  # fmt: skip
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   cwd=REPOSITORY, start_new_session=True)  # fmt: skip
        assert process.stdout is not None
        before = len(marks(room))
        while len(marks(room)) == before and process.poll() is None:
            time.sleep(0.02)
        os.kill(process.pid, end)
        said = process.stdout.read()  # until the last of its processes has closed it
        process.wait()
        if end == signal.SIGINT and process.returncode:  # else it was quicker than the signal
            assert process.returncode == 130 and "of 3 have their record" in said, said
            assert "Traceback" not in said
    done = grade(minidocker, room)
    assert done.returncode == 0 and "3 submissions, 3 with a verdict" in done.stdout
    assert sorted(marks(room)) == ["ada", "bob", "zoe"]
    again = grade(minidocker, room)
    assert again.stdout.count("known") >= 2
    sweep()


@pytest.mark.needs("root", "pidns")
def test_a_resubmission_is_judged_anew_and_one_is_kept(room: Path, minidocker: Run) -> None:
    grade(minidocker, room, "--only", "bob")
    assert list(marks(room)) == ["bob"]
    (room / "in/bob" / FILE).write_text(SOLUTION)
    done = grade(minidocker, room, "--only", "bob", "--keep", "bob")
    assert "(was " in done.stdout
    assert (room / "class/kept/bob" / FILE).read_text() == SOLUTION
    assert "minidocker grade --from" in done.stdout


def test_wrong_words_are_sentences(room: Path, minidocker: Run) -> None:
    for argv, said in (
        (["class"], "WORD"),
        (["class", "new", str(room / "class")], "is there already"),
        (["class", "grade", "/nowhere", "--file", str(room / "class/class.toml")], "there is no /nowhere"),
        (["class", "grade", str(room / "in"), "--file", str(room / "no.toml")], "class new"),
        (["class", "grade", str(room / "in"), "--jobs", "0"], "1 to 256"),
        (["class", "grade", str(room / "in"), "--only", "who", "--file", str(room / "class/class.toml")],
         "no submission is called who"),
        *((["class", "export", "csv", "--scale", wrong], "above 0") for wrong in ("0", "nan", "-5")),
        (["class", "compare", "--least", "101"], "0 to 100"),
        (["class", "merge", "/nowhere", "--file", str(room / "class/class.toml")], "has no records/"),
        (["class", "preflight", "/nowhere", "--file", str(room / "class/class.toml")], "there is no"),
    ):
        done = minidocker(*argv)
        assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr


@pytest.mark.needs("root", "pidns")
def test_what_came_is_looked_at_before_and_two_machines_are_one_class(
    room: Path, minidocker: Run
) -> None:
    file = ("--file", str(room / "class/class.toml"))
    looked = minidocker("class", "preflight", str(room / "in"), *file, timeout=1200)
    assert looked.returncode == 1 and "Traceback" not in looked.stderr
    assert "bob: 00_what_is_a_container is the exercise as it was given" in looked.stdout
    assert "nothing handed in: absent" in looked.stdout and "3 submissions" in looked.stdout
    assert not (room / "class/records").exists()
    shutil.copytree(room / "class", room / "second")
    grade(minidocker, room, "--only", "ada")
    minidocker("class", "grade", str(room / "in"), "--only", "bob",
               "--file", str(room / "second/class.toml"), timeout=1200)  # fmt: skip
    merged = minidocker("class", "merge", str(room / "second"), *file)
    assert merged.returncode == 0 and "1 new; the class has 2" in merged.stdout
    assert sorted(marks(room)) == ["ada", "bob"]


@pytest.mark.needs("root", "pidns")
def test_marks_leave_in_a_teachers_own_table(room: Path, minidocker: Run) -> None:
    def export(*argv: str) -> subprocess.CompletedProcess:
        return minidocker("class", "export", *argv, "--file", str(room / "class/class.toml"))

    assert "nothing is judged yet" in export("csv").stderr
    shutil.rmtree(room / "in/bob")
    grade(minidocker, room)
    head = "Student,ID,SIS Login ID,Section,Lab (7)\n"
    rows = "A,1,ada,x,\nB,2,bob,x,\nZ,3,zoe,x,\nN,4,absent,x,\n"
    (room / "canvas.csv").write_text(head + rows)
    table = ("canvas", "--table", str(room / "canvas.csv"), "--column", "Lab")
    assert export(*table).stdout == head + "A,1,ada,x,100\nB,2,bob,x,0\nZ,3,zoe,x,100\nN,4,absent,x,0\n"
    (room / "canvas.csv").write_text(head + rows.replace("Z,3,zoe,x,\n", ""))
    refused = export(*table)
    assert (refused.returncode, refused.stdout) == (2, "") and "no row for zoe" in refused.stderr
    done = export("gradescope", "--out", str(room / "out"))
    assert done.returncode == 0 and (room / "out/autograder.zip").exists()
    assert json.loads((room / "out/ada/results.json").read_text())["score"] > 0


@pytest.mark.needs("root", "pidns")
def test_pages_are_written_for_each(room: Path, minidocker: Run) -> None:
    grade(minidocker, room, "--only", "ada")
    done = minidocker("class", "report", "--file", str(room / "class/class.toml"),
                      "--out", str(room / "pages"))  # fmt: skip
    assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in (room / "pages/students").iterdir())
    assert names == ["absent.html", "ada.html", "bob.html", "zoe.html"]
    assert "students/ada.html" in (room / "pages/index.html").read_text()


@pytest.mark.needs("root", "pidns")
def test_words_that_look_at_records(room: Path, minidocker: Run) -> None:
    file = ("--file", str(room / "class/class.toml"))
    assert "not two submissions" in minidocker("class", "compare", *file).stderr
    assert "nothing of ada" in minidocker("class", "viva", "ada", *file).stderr
    own = SOLUTION.replace("def walls_of(", "def theirs(") + (
        "\n\ndef walls_of(kernel, pid=0):\n    if pid:\n        kernel.fork()\n    return pid or kernel\n"
    )
    (room / "in/bob" / FILE).write_text(own)
    grade(minidocker, room)
    compared = minidocker("class", "compare", *file)
    assert compared.returncode == 0 and "no verdict" in compared.stdout
    asked = minidocker("class", "viva", "bob", *file)
    assert asked.returncode == 0 and asked.stdout == minidocker("class", "viva", "bob", *file).stdout
    assert asked.stdout.count(", line ") == 3
    refused = minidocker("class", "viva", "who", *file)
    assert refused.returncode == 2 and "nobody with the login" in refused.stderr


def test_a_message_has_its_card(minidocker: Run) -> None:
    done = minidocker("class", "card", "md0303")
    assert done.returncode == 0 and "in the wrong place" in done.stdout
    assert done.stdout.count("?") == 3
    assert "no message has the code" in minidocker("class", "card", "MD9999").stderr


@pytest.mark.needs("root", "pidns")
def test_a_set_of_ones_own_is_judged_by_its_own_checks(room: Path, minidocker: Run) -> None:
    own = room / "exam"
    shutil.copytree(REPOSITORY / "tests/stages", own / "tests/stages",
                    ignore=shutil.ignore_patterns("__pycache__"))  # fmt: skip
    lessons = own / "minidocker/course/lessons"
    for folder in (lessons, own / "solutions", own / "exercises", room / "exam_in/ada"):
        folder.mkdir(parents=True)
    old, name = FILE.removesuffix(".py"), "77_exam"
    theirs = REPOSITORY / "minidocker/course/lessons"
    shutil.copy(theirs / "course.toml", lessons)
    shutil.copy(theirs / f"{old}.toml", lessons / f"{name}.toml")
    for folder in ("solutions", "exercises"):
        shutil.copy(REPOSITORY / folder / FILE, own / folder / f"{name}.py")
    for kind in ("test", "scenes"):
        (own / f"tests/stages/{kind}_{old}.py").rename(own / f"tests/stages/{kind}_{name}.py")
    (room / "exam_in/ada" / f"{name}.py").write_text(SOLUTION)
    env = {"MINIDOCKER_COURSE": str(own)}
    file = str(room / "exam_class/class.toml")
    roster = ("--roster", str(room / "roster.csv"))
    assert minidocker("class", "new", str(room / "exam_class"), *roster, env=env).returncode == 0
    done = minidocker("class", "grade", str(room / "exam_in"), "--file", file, env=env, timeout=300)
    assert done.returncode == 0 and "did not pass" not in done.stdout, done.stdout + done.stderr
    asked = minidocker("class", "viva", "ada", "--file", file, env=env)
    assert asked.returncode == 0 and "77_exam, " in asked.stdout, asked.stderr
    packed = minidocker("class", "pack", str(room / "edition"), "--file", file, env=env)
    assert packed.returncode == 2 and str(own / "exercises") in packed.stderr
    without = minidocker("class", "export", "csv", "--file", file)
    assert without.returncode == 2 and "no lesson '77_exam'" in without.stderr
