"""A record is whole or not there; the judges' processes may die; marks only rise by a repair."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from minidocker.classroom import judges, records
from minidocker.classroom.records import Records
from minidocker.errors import Conflict, UsageError

FAKE = """\
import json, os, signal, sys
for line in sys.stdin:
    text = json.loads(line)["files"]["01_pid"]["text"]
    if text == "kills its judge":
        os.kill(os.getpid(), signal.SIGKILL)
    if text.startswith("once "):  # a kill that is nobody's fault, such as the OOM killer's
        try:
            os.mkdir(text[5:])
            os.kill(os.getpid(), signal.SIGKILL)
        except FileExistsError:
            pass
    if text == "babbles":
        print("no JSON", flush=True)
    if text == "hangs":
        signal.pause()
    if text == "breaks":
        sys.exit("a word of the judge's")
    print(json.dumps({"lessons": [text], "seconds": 1}), flush=True)
"""


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judges, "CODE", "{!r}\n" + FAKE.replace("{", "{{").replace("}", "}}"))


def job(name: str, text: str) -> judges.Job:
    return {"name": name, "lessons": ["01_pid"], "files": {"01_pid": {"text": text}}}


@pytest.mark.usefixtures("fake")
@pytest.mark.parametrize("count", [1, 3])
def test_each_submission_has_one_verdict_whatever_becomes_of_its_judge(
    tmp_path: Path, count: int
) -> None:
    texts = ["right", "kills its judge", f"once {tmp_path / 'x'}", "babbles", "breaks", "right"]
    jobs = [job(str(number), text) for number, text in enumerate(texts)]
    found = list(judges.work(iter(jobs), count, 60, lambda names: None))
    told = {one["name"]: answer for one, answer in found}
    assert len(found) == len(told) == len(texts)
    assert [told[n].get("lessons") for n in "025"] == [["right"], [texts[2]], ["right"]]
    assert told["1"] == {"remark": "its judge ended 2 times (signal 9)"}
    assert "a word of the judge's" in told["4"]["remark"]
    assert told["3"]["remark"].startswith("its judge ended")


@pytest.mark.usefixtures("fake")
def test_one_that_hangs_is_ended_and_the_others_go_on() -> None:
    jobs = [job("a", "hangs"), job("b", "right")]
    told = {one["name"]: answer for one, answer in judges.work(iter(jobs), 1, 0.5, lambda n: None)}
    assert told == {"a": {"remark": "it took more than 0 s in all"},
                    "b": {"lessons": ["right"], "seconds": 1}}  # fmt: skip


@pytest.mark.usefixtures("fake")
def test_no_judge_is_left_when_the_coordinator_stops() -> None:
    before, seen = children(), set()

    def stop(names: list[str]) -> None:
        seen.update(children() - before)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(judges.work(iter([job("a", "hangs")]), 2, 60, stop))
    assert seen and not seen & children()


def children() -> set[str]:
    """Return the children of this process: the judges, and what other tests' fixtures keep."""
    files = Path("/proc/self/task").glob("*/children")
    return {pid for file in files for pid in file.read_text().split()}


def record(outcome: str, course: str = "c1", content: str = "t1", name: str = "ada") -> Any:
    check = {"id": "order", "title": "Order", "outcome": outcome, "points": 3, "code": "",
             "earned": 3 if outcome == "pass" else 0, "message": ""}  # fmt: skip
    lesson = {"id": "01_pid", "handed_in": True, "why": "", "ours": [], "borrowed": [],
              "checks": [check]}  # fmt: skip
    return {"schema": records.SCHEMA, "name": name, "login": name, "content": content,
            "course": course, "remark": "", "lessons": [lesson]}  # fmt: skip


def test_a_repaired_check_only_raises_marks() -> None:
    passed, failed = record("pass"), record("fail", "c2")
    lower = records.raised(copy.deepcopy(failed), passed)
    assert records.earned(lower) == 3 and lower["was"]["flips"] == {"01_pid order": "pass"}
    higher = records.raised(record("pass", "c2"), record("fail"))
    assert records.earned(higher) == 3 and higher["was"]["earned"] == 0
    assert records.earned(records.raised(record("fail"), passed)) == 3  # `--again`, too
    assert "was" not in records.raised(record("pass"), passed)
    # another text is judged as it is
    other = records.raised(record("fail", "c2", "t2"), passed)
    assert records.earned(other) == 0 and other["was"]["earned"] == 3 and not other["was"]["text"]
    assert "files" not in other["was"] and "message" not in json.dumps(other["was"])


@pytest.mark.parametrize("name", ["ada", "../../etc/x", "Zoë Å", "x" * 300, "a/b", ".hidden", "\udcff"])
def test_every_name_has_a_record_of_its_own(tmp_path: Path, name: str) -> None:
    store = Records(tmp_path)
    with store.held():
        path = store.path(name)
        assert path.parent == tmp_path / "records" and len(path.name) < 100
        assert path != store.path(name + "_")
        if name.isprintable():
            store.write(record("pass", name=name))
            assert store.one(name) == record("pass", name=name)
            assert [one["name"] for one in store.all()] == [name]


def test_a_submission_whose_owner_is_found_later_has_one_record(tmp_path: Path) -> None:
    from argparse import Namespace

    from minidocker.classroom.bar import Bar
    from minidocker.classroom.classfile import Class, Part, Student
    from minidocker.classroom.grading import Work
    from minidocker.classroom.incoming import find
    from minidocker.course.manifest import load

    manifest = load(Path(__file__).resolve().parents[2])
    (tmp_path / "in/4711").mkdir(parents=True)
    (tmp_path / "in/4711/01_pid.py").write_text("x = 1\n")
    store, options = Records(tmp_path), Namespace(keep=None, again=False)

    def judged(also: tuple[str, ...], course: str) -> tuple[int, list[Any]]:
        room = Class(tmp_path, "", "", tuple(map(Part, manifest.lessons[1:2])),
                     (Student("ada", also=also), Student("bob")))  # fmt: skip
        work = Work(manifest, room, store, course, Bar(1), options)
        with store.held():
            jobs = list(work.jobs(find([tmp_path / "in"], room)))
            for job in jobs:
                work.record(job, {"lessons": record("pass")["lessons"]})
        return len(jobs), [(one["name"], one["login"], records.earned(one)) for one in store.all()]

    assert judged((), "c1") == (1, [("4711", "", 3)])
    assert judged(("4711",), "c1") == (0, [("ada", "ada", 3)])  # nothing is judged anew
    (tmp_path / "records/ada.json").unlink()
    assert judged((), "c1") == (1, [("4711", "", 3)])
    assert judged(("4711",), "c2") == (1, [("ada", "ada", 3)])


def test_a_second_assignment_takes_nothing_of_the_first_away(tmp_path: Path) -> None:
    from argparse import Namespace

    from minidocker.classroom import marks
    from minidocker.classroom.bar import Bar
    from minidocker.classroom.classfile import Class, Part, Student
    from minidocker.classroom.grading import Work
    from minidocker.classroom.incoming import Found
    from minidocker.course.manifest import load

    manifest = load(Path(__file__).resolve().parents[2])
    first, second = manifest.lessons[:2]
    due = marks.moment("2026-12-01T18:00:00Z")
    room = Class(tmp_path, "", "", (Part(first, 1.0, due), Part(second)), (Student("ada"),))
    for week, lesson in (("one", first), ("two", second)):
        (tmp_path / week).mkdir()
        (tmp_path / week / lesson.file).write_text(f"{week} = 1\n")
    (tmp_path / "broken.zip").write_bytes(b"PK")
    store, options, seen = Records(tmp_path), Namespace(keep=None, again=False), list[int]()

    def handed_in(where: str, at: str) -> tuple[int, int]:
        work = Work(manifest, room, store, "c1", Bar(1), options)
        with store.held():
            jobs = list(work.jobs([Found("ada", "ada", tmp_path / where, submitted=at)]))
            for job in jobs:
                check = record("pass")["lessons"][0]["checks"]
                work.record(job, {"lessons": [
                    {"id": lesson.id, "handed_in": lesson.id in job["files"], "why": "", "checks": check}
                    for lesson in room.lessons
                ]})  # fmt: skip
        seen.append(len(work.changed))
        (ada,) = marks.of_class(room, store.all())
        return len(jobs), sum(one.state == "judged" and not one.off for one in ada.lessons)

    assert handed_in("one", "2026-12-01 10:00:00 Z") == (1, 1)
    assert handed_in("two", "2026-12-09 10:00:00 Z") == (1, 2)
    assert handed_in("one", "2026-12-01 10:00:00 Z") == handed_in("two", "2026-12-09 10:00:00 Z") == (0, 2)
    assert "was" not in store.all()[0] and not any(seen)  # nothing is another mark
    (tmp_path / "two" / first.file).write_text("one = 1\n")  # the first once more, in the second
    assert handed_in("two", "2026-12-10 10:00:00 Z") == (0, 2)
    handed_in("broken.zip", "2026-12-20 10:00:00 Z")
    assert store.all()[0]["remark"] and not store.all()[0]["lessons"]
    assert handed_in("two", "2026-12-09 10:00:00 Z") == (1, 2)
    (tmp_path / "two" / first.file).write_text("one = 2\n")
    assert handed_in("two", "2026-12-09 10:00:00 Z") == (1, 1)  # another text, and late


def test_what_could_not_be_read_once_leaves_no_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The child that reads a class's zip may be killed, by whoever is short of memory."""
    from minidocker.classroom import archives, incoming
    from minidocker.verbs import class_of

    for name in ("ada", "bob"):
        (tmp_path / "in" / name).mkdir(parents=True)
        (tmp_path / "in" / name / "01_pid.py").write_text("x = 1\n")
    assert class_of.main(["new", str(tmp_path / "class"), "--lessons", "01"]) == 0
    argv = ["grade", str(tmp_path / "in"), "--file", str(tmp_path / "class/class.toml"), "--jobs", "1"]

    def killed(*_: object) -> None:
        raise archives.Damaged("reading it took more than a submission may take")

    fake = FAKE.replace("[text]", repr(record("pass")["lessons"]))
    monkeypatch.setattr(judges, "CODE", "{!r}\n" + fake.replace("{", "{{").replace("}", "}}"))
    with monkeypatch.context() as patch:
        patch.setattr(incoming, "_groups", killed)
        assert class_of.main(argv) == 4
    assert [one["name"] for one in Records(tmp_path / "class").all()] == ["in"]
    assert class_of.main(argv) == 0
    assert [one["name"] for one in Records(tmp_path / "class").all()] == ["ada", "bob"]
    assert "2 submissions, 2 with a verdict" in capsys.readouterr().out


def test_one_grading_at_a_time_and_what_a_kill_leaves_goes(tmp_path: Path) -> None:
    store = Records(tmp_path)
    with store.held():
        (store.folder / ".ada.json.new").write_text("{")
        with pytest.raises(Conflict, match="another grading"), Records(tmp_path).held():
            pass
    with store.held():
        assert [path.name for path in store.folder.iterdir()] == [".lock"]


def test_a_damaged_record_is_said(tmp_path: Path) -> None:
    store = Records(tmp_path)
    with store.held():
        store.path("ada").write_text("{")
        with pytest.raises(UsageError, match="damaged"):
            store.one("ada")


def test_a_full_disk_is_a_sentence(tmp_path: Path) -> None:
    code = (
        "import resource, signal; resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64)); "
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from minidocker.classroom.records import Records; from pathlib import Path\n"
        f"store = Records(Path({str(tmp_path)!r}))\n"
        "with store.held(): store.write({'name': 'ada', 'x': 'y' * 500})\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "cannot write" in done.stderr and not (tmp_path / "records/ada.json").exists()


def test_a_machine_is_believed_in_what_can_only_be_outcomes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from minidocker.classroom import grading
    from minidocker.classroom.classfile import Class, Part
    from minidocker.course.manifest import load
    from minidocker.vm import machine, remote

    manifest = load(Path(__file__).resolve().parents[2])
    room = Class(tmp_path, "", "", tuple(map(Part, manifest.lessons[1:2])), ())
    (lesson,) = room.lessons
    job = {"name": "ada", "files": {lesson.id: {"text": "x = 1\n", "why": ""}}}
    ended = []

    class Fake:
        def __init__(self, *names: object, **how: object) -> None: ...
        def down(self) -> None:
            ended.append(True)

    monkeypatch.setattr(machine, "Machine", Fake)

    def says(checks: object) -> Any:
        told = json.dumps({"lessons": [{"id": lesson.id, "checks": checks}]}).encode()
        monkeypatch.setattr(remote, "judge", lambda *rest, **how: (0, told))
        return grading.in_machine(manifest, room, job)

    first, second = lesson.checks[:2]
    told = says([
        {"id": first.id, "outcome": "pass", "points": 1000, "earned": 1000, "message": "\x1b[2J"},
        {"id": second.id, "outcome": "excellent"}, {"id": "not_ours", "outcome": "pass"},
    ])["lessons"][0]["checks"]  # fmt: skip
    assert (told[0]["earned"], told[0]["points"]) == (first.points, first.points)
    assert "\x1b" not in told[0]["message"]
    assert [one["outcome"] for one in told[1:]] == ["error"] * (len(lesson.checks) - 1)
    assert "remark" in says([{"id": first.id, "outcome": ["pass"]}, "?"])
    assert len(ended) == 2  # the machine ends with its submission
