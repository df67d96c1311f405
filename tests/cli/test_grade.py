"""`minidocker grade` and its sisters, as a learner meets them: the real command, a course tree."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pexpect
import pytest

from minidocker.course import exercise_file, manifest
from minidocker.verbs import grade as grade_verb

ROOT = Path(__file__).resolve().parents[2]
needs_root = pytest.mark.needs("root", "pidns")


@pytest.fixture
def course(tmp_path):
    """A course tree of its own, as after a fresh clone."""
    for name in (manifest.FOLDER, "solutions", "tests/stages"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "exercises").mkdir()
    course = manifest.load(tmp_path)
    for lesson in course.lessons:
        (tmp_path / lesson.exercise).write_text(exercise_file.starter(course, lesson))
    return tmp_path


@pytest.fixture
def command(course):
    """Run minidocker in the course tree."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    env.pop("MINIDOCKER_COURSE", None)

    def run(*args, **more):
        return subprocess.run([sys.executable, "-m", "minidocker", *args], cwd=course, env=env,
                              text=True, capture_output=True, **{"timeout": 120, **more})  # fmt: skip

    return run


def solve(course, change=("", "")):
    """Type the solution of lesson 01 into the exercise, with one change."""
    text = (course / "solutions/01_pid.py").read_text()
    assert change[0] in text
    (course / "exercises/01_pid.py").write_text(text.replace(*change, 1))


@needs_root
def test_from_not_started_to_fail_to_pass(course, command):
    first = command("grade", "01")
    assert first.returncode == 1
    assert "1 pass, 1 fail, 11 not started. Points: 0 of 23" in first.stdout
    assert "next: edit exercises/01_pid.py" in first.stdout

    solve(course, ("    kernel.unshare(flags)\n    pid", "    pid"))
    second = command("grade", "1")
    assert second.returncode == 1
    assert "MD0101" in second.stdout
    assert "seen      NSpid:" in second.stdout
    assert "MISSING   pid" in second.stdout
    assert "def test_" not in second.stdout
    assert "next: minidocker hint 01" in second.stdout
    assert "hint 1 of 3" in command("hint").stdout
    assert "hint 2 of 3" in command("hint").stdout
    assert "hint 3 of 3" in command("hint", "MD0101").stdout
    assert "hint 3 of 3" in command("hint", "spawn_first").stdout

    solve(course)
    third = command("grade", "01_pid")
    assert third.returncode == 0
    assert "13 pass. Points: 23 of 23" in third.stdout
    assert "Why must unshare" in third.stdout and "minidocker why 01" in third.stdout
    assert "Why must unshare" not in second.stdout
    assert "Nothing failed" in command("hint", "01").stdout
    assert "01  finished" in command("progress").stdout


@needs_root
def test_json_on_standard_output_and_in_a_file(course, command):
    solve(course)
    (course / "exercises/00_what_is_a_container.py").write_text("def walls_of(:\n")
    found = command("grade", "--json", "-")
    assert found.returncode == 1
    report = json.loads(found.stdout)
    assert set(report) == {"version", "lessons", "earned", "possible_here", "points"}
    assert [lesson["id"] for lesson in report["lessons"]] == [
        lesson.id for lesson in manifest.load(course).lessons
    ]
    assert {check["code"] for check in report["lessons"][0]["checks"]} == {"MD9002"}
    assert {check["outcome"] for check in report["lessons"][1]["checks"]} == {"pass"}
    lesson = report["lessons"][1]
    assert sum(check["earned"] for check in lesson["checks"]) == 23
    done = command("grade", "01", "--json", str(course / "report.json"))
    assert "13 pass" in done.stdout
    assert json.loads((course / "report.json").read_text())["earned"] == 23


@needs_root
def test_another_directory_is_judged_and_not_recorded(course, command):
    found = command("grade", "01", "--from", "solutions")
    assert found.returncode == 0
    assert not (course / ".minidocker").exists()


@needs_root
def test_a_raising_function_shows_the_learners_own_frames(course, command):
    solve(course, ("    kernel.unshare(flags)\n    pid", "    kernel.unshare(flags.pid)\n    pid"))
    said = command("grade", "01").stdout
    assert "Your code raised AttributeError while the check was at: spawn(kernel" in said
    assert 'File "exercises/01_pid.py", line' in said
    assert "kernel.unshare(flags.pid)" in said
    assert "scenes_01" not in said
    assert "inside.py" not in said


@needs_root
def test_what_the_learner_prints_is_shown_with_the_failure(course, command):
    solve(course, ("    kernel.unshare(flags)\n    pid", "    print('so far', flags)\n    pid"))
    assert "printed   so far " in command("grade", "01").stdout


@needs_root
def test_borrowing_passes_for_no_points_until_rewritten(course, command):
    assert command("borrow", "spawn").returncode == 0
    found = command("grade", "01")
    assert "pass, borrowed  0/3" in found.stdout
    assert "Points: 0 of 23" in found.stdout
    assert len(list((course / ".minidocker/copies").iterdir())) == 1
    path = course / "exercises/01_pid.py"
    path.write_text(path.read_text().replace("    pid = kernel.fork()\n    if pid == 0:",
                                             "    pid = os.fork()\n    if not pid:"))  # fmt: skip
    assert "Points: 7 of 23" in command("grade", "01").stdout


@pytest.mark.more
def test_every_borrowed_function_makes_a_solution(course, command):
    from minidocker.course import edit, manifest

    for lesson in manifest.load(course).lessons:
        for function in lesson.functions:
            assert command("borrow", function.name).returncode == 0
        text = (course / lesson.exercise).read_text()
        solution = (course / "solutions" / lesson.file).read_text()
        assert all(edit.same(text, solution, function.name) for function in lesson.functions)
    assert command("borrow", "--show", "spawn").stdout.startswith("def spawn(")


def test_reset_keeps_a_copy(course, command):
    path = course / "exercises/01_pid.py"
    begin = path.read_text()
    path.write_text("my work")
    found = command("reset", "1")
    assert path.read_text() == begin
    copy = next((course / ".minidocker/copies").iterdir())
    assert copy.read_text() == "my work"
    assert str(copy.relative_to(course)) in found.stdout
    assert "nothing to do" in command("reset", "1").stdout
    path.unlink()
    assert command("reset", "1").returncode == 0
    assert path.read_text() == begin


@needs_root
def test_three_failing_edits_offer_to_borrow(course, command):
    for number in range(3):
        solve(course, ("    return pid\n", f"    return {number}\n"))
        said = command("grade", "01").stdout
    assert "minidocker borrow spawn" in said


@needs_root
def test_stuck_after_three_hints_and_three_tries(course, command):
    """Hints, then the lines in mixed order, then the comparison of the calls, then borrowing."""
    for number in range(3):
        wrong = f"    if {number} == 0 and pid == 0:" if number else "    if pid == 1:"
        solve(course, ("    if pid == 0:", wrong))
        assert command("grade", "01").returncode == 1
        said = command("hint", "spawn_first").stdout
        assert f"hint {number + 1} of 3" in said
    assert "more: minidocker hint spawn_first" in said
    mixed = command("hint", "spawn_first").stdout
    lines = [line.strip() for line in mixed.splitlines()]
    assert {"kernel.unshare(flags)", "pid = kernel.fork()", "child()", "return pid"} <= set(lines)
    assert "more: minidocker hint" in mixed and "minidocker borrow spawn" in mixed
    compared = command("hint", "spawn_first").stdout
    assert re.search(r"^ +1  unshare\(CLONE_NEW.*the same$", compared, re.MULTILINE)
    assert "in the child of the fork: yours ends after 2 calls; ours makes 3, next child" in compared
    assert "more:" not in compared and "minidocker borrow spawn" in compared
    assert command("hint", "spawn_first").stdout == compared  # there is no more


def test_the_next_hint_is_a_new_one_though_the_failure_is_another(course, command):
    """Two failures without hints of their own share the check's: none is shown twice."""
    for number, code in enumerate(("MD9004", "MD9006"), 1):
        judged(course, "02_mounts", private_below="f")
        path = course / ".minidocker/progress.jsonl"
        path.write_text(path.read_text().replace("MD0306", code))
        assert f"({code}): hint {number} of 3" in command("hint", "02").stdout


@needs_root
@pytest.mark.parametrize(
    ("change", "code"),
    [(("(layers", "(:layers"), "MD9002"), (("import os", "import oss"), "MD9019"),
     (("import os", "raise NotImplementedError"), "MD9019")],
)  # fmt: skip
def test_what_python_cannot_read_is_said_once_and_its_hints_give_nothing_away(
    course, command, change, code
):
    path = course / "exercises/04_union_layers.py"
    text = (course / "solutions/04_union_layers.py").read_text().replace(*change, 1)
    for number in range(3):
        path.write_text(f"{text}# {number}\n")
        said = command("grade", "04").stdout
        assert said.count(code) == 1 and "5 fail" in said and "borrow" not in said
    for step in (1, 2, 3, 3):
        said = command("hint", "04").stdout
        assert f"({code}): hint {step} of 3" in said and "reversed" not in said, said


@needs_root
def test_an_edition_without_solutions_offers_no_borrowing(course, command):
    path = course / "exercises/04_union_layers.py"
    text = (course / "solutions/04_union_layers.py").read_text().replace("reversed(layers)", "layers")
    for number in range(3):
        path.write_text(f"{text}# {number}\n")
        said = command("grade", "options_order").stdout
    assert "minidocker borrow overlay_options" in said
    shutil.rmtree(course / "solutions")
    path.write_text(f"{text}# once more\n")
    said = command("grade", "options_order").stdout
    assert "minidocker hint 04" in said and "borrow" not in said


@pytest.mark.parametrize("kind", ["a link", "a pipe", "a directory", "another encoding"])
def test_reset_and_borrow_write_through_nothing_and_lose_nothing(course, command, kind):
    path, other = course / "exercises/07_user_namespace.py", course / "of-somebody-else"
    begin = path.read_text()
    other.write_text("theirs")
    path.unlink()
    {"a link": lambda: path.symlink_to(other), "a pipe": lambda: os.mkfifo(path),
     "a directory": path.mkdir, "another encoding": lambda: path.write_bytes(b"# caf\xe9\n")}[kind]()
    refused = command("borrow", "map_lines", timeout=60)
    assert refused.returncode == 2 and "minidocker reset 07" in refused.stderr
    assert "Your file is kept" in command("reset", "07", timeout=60).stdout
    assert path.read_text() == begin and not path.is_symlink() and other.read_text() == "theirs"
    (copy,) = (course / ".minidocker/copies").iterdir()
    assert copy.is_symlink() == (kind == "a link")
    assert kind != "another encoding" or copy.read_bytes() == b"# caf\xe9\n"


@needs_root
def test_more_than_hints_comes_after_three_different_tries_only(course, command):
    solve(course, ("    if pid == 0:", "    if pid == 1:"))
    command("grade", "01")
    command("grade", "01")  # the same text once more is no other try
    for _ in range(5):
        said = command("hint", "spawn_first").stdout
    assert "hint 3 of 3" in said
    assert "There is more after 3 different tries; so far: 1." in said


def test_where_am_i(course, command):
    found = command()
    assert found.returncode == 0
    assert "00  not started" in found.stdout
    assert "next: read notebooks/00_what_is_a_container.ipynb" in found.stdout
    assert "machine:" in found.stdout


def judged(course, lesson, **checks):
    """Write a grading into the learner's record, as the grader does."""
    outcome = {"p": ["pass", ""], "f": ["fail", "MD0306"], "n": ["not_started", "MD9010"],
               "b": ["blocked", "MD9011"]}  # fmt: skip
    entry = {
        "at": "", "do": "grade", "lesson": lesson, "digest": "", "earned": 1, "points": 2,
        "checks": {name: outcome[word] for name, word in checks.items()},
        "message": "the old root is mounted\nmore" if "f" in checks.values() else "",
    }  # fmt: skip
    (course / ".minidocker").mkdir(exist_ok=True)
    with open(course / ".minidocker/progress.jsonl", "a") as record:
        record.write(json.dumps(entry) + "\n")


def test_back_after_a_week(course, command):
    """One line a lesson, the last failing message, the machine, the next command."""
    judged(course, "01_pid", a="p")
    judged(course, "03_rootfs", a="p", b="f")
    judged(course, "04_union_layers", a="n")  # looked at, and not begun
    said = command().stdout
    assert "  01  finished " in said and "  03  begun " in said and "  04  not started " in said
    assert "last message, lesson 03: MD0306  the old root is mounted\n" in said
    assert re.search(r"^machine: .*(lesson 03|not Linux)", said, re.MULTILINE)
    assert said.endswith("next: minidocker hint 03, or edit exercises/03_rootfs.py\n")
    judged(course, "03_rootfs", a="p", b="p")  # on to the next one, and not back to the first gap
    assert command().stdout.endswith(
        "next: edit exercises/04_union_layers.py, then: minidocker grade 04\n"
    )
    for lesson in manifest.load(course).lessons[4:]:
        judged(course, lesson.id, a="p")
    assert "next: read notebooks/00_what_is" in command().stdout


def test_it_says_what_the_machine_lacks_for_the_lesson(course, command):
    first = course / manifest.FOLDER / "00_what_is_a_container.toml"
    first.write_text(first.read_text().replace("needs = [", 'needs = ["no-such", ', 1))
    assert "for lesson 00 it lacks: " in command().stdout


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("grade", "77"), "no lesson '77'"),
        (("grade", "--from", "nowhere"), "no directory nowhere"),
        (("hint", "MD7777"), "no message MD7777"),
        (("hint", "01"), "was not judged yet"),
        (("borrow", "fly"), "'fly'"),
        (("reset", "x"), "no lesson 'x'"),
    ],
)
def test_bad_input_is_one_sentence(command, args, says):
    found = command(*args)
    assert found.returncode == 2
    assert says in found.stderr
    assert "Traceback" not in found.stderr
    assert "try:" in found.stderr


def test_help_has_examples(command):
    for verb in ("grade", "hint", "borrow", "progress", "reset", "watch"):
        found = command(verb, "--help")
        assert found.returncode == 0
        assert "examples:" in found.stdout


@needs_root
def test_without_root_a_lesson_is_judged_where_users_may_have_namespaces(course, command):
    if shutil.which("setpriv") is None:
        pytest.skip("blocked: there is no setpriv (apt-get install util-linux)")
    solve(course)
    for folder in (course, *course.parents[:3]):
        folder.chmod(folder.stat().st_mode | 0o755)
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    allowed = subprocess.run([*user, "unshare", "--user", "--mount", "--map-root-user", "mount",
                              "-t", "tmpfs", "x", "/mnt"], capture_output=True).returncode == 0  # fmt: skip
    found = subprocess.run(
        [*user, sys.executable, "-m", "minidocker", "grade", "01"],
        cwd=course, env=env, text=True, capture_output=True, timeout=60,
    )  # fmt: skip
    if allowed:
        assert found.returncode == 0, found.stdout + found.stderr
        assert "13 pass. Points: 23 of 23 possible here, 23 in all." in found.stdout
    else:
        assert found.returncode == 3, found.stdout + found.stderr
        assert "13 blocked. Points: 0 of 0 possible here, 23 in all." in found.stdout


@needs_root
def test_on_a_terminal_lines_come_one_by_one_and_ctrl_c_cleans_up(course):
    (course / "exercises/01_pid.py").write_text(
        (course / "solutions/01_pid.py").read_text()
        + "\n\ndef exit_status(status):\n    import time\n    time.sleep(1000)\n"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT), "MINIDOCKER_PATIENCE": "20", "TOKEN": "ctrl-c"}
    child = pexpect.spawn(sys.executable, ["-m", "minidocker", "grade", "01"], cwd=str(course),
                          env=env, encoding="utf-8", timeout=30, dimensions=(40, 120))  # fmt: skip
    child.expect("spawn enters the namespaces")
    time.sleep(0.3)
    child.sendintr()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130, child.before
    assert "Traceback" not in child.before
    assert not still_there(b"TOKEN=ctrl-c")


def still_there(token, seconds=3):
    """The processes whose environment holds a token, after a moment."""
    end = time.monotonic() + seconds
    while True:
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if token in Path(f"/proc/{pid}/environ").read_bytes():
                    found.append(pid)
            except OSError:
                continue
        if not found or time.monotonic() > end:
            return found
        time.sleep(0.05)


@needs_root
def test_a_killed_grader_leaves_nothing(course):
    solve(course, ("    return 128 + os.WTERMSIG(status)", "    while True: pass"))
    env = {**os.environ, "PYTHONPATH": str(ROOT), "MINIDOCKER_PATIENCE": "20", "TOKEN": "killed"}
    grader = subprocess.Popen([sys.executable, "-m", "minidocker", "grade", "01"], cwd=course,
                              env=env, stdout=subprocess.PIPE, text=True)  # fmt: skip
    while "spawn enters" not in (grader.stdout.readline() or "spawn enters"):
        pass
    time.sleep(0.3)
    grader.send_signal(signal.SIGKILL)
    grader.wait()
    grader.stdout.close()
    assert not still_there(b"TOKEN=killed")


@needs_root
def test_watch_judges_again_when_the_file_is_saved(course):
    env = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    child = pexpect.spawn(sys.executable, ["-m", "minidocker", "watch", "01"], cwd=str(course),
                          env=env, encoding="utf-8", timeout=40, dimensions=(60, 140))  # fmt: skip
    child.expect("11 not started")
    solve(course)
    child.expect("13 pass")
    solve(course, ("    return pid\n", "    return 1\n"))
    child.expect("MD0106")
    child.sendintr()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130


def test_all_that_can_be_done_here_is_said_as_done(course, command):
    judged(course, "00_what_is_a_container", a="p", b="b")
    said = command("progress").stdout
    assert "  00  done here " in said
    assert "all that can be done here   (the rest: minidocker grade 00 --on vm)" in said
    assert "lesson 00" not in command().stdout.split("next: ")[1]


def test_failing_with_a_machine_names_what_failed(course, monkeypatch):
    judged(course, "01_pid", spawn_first="f", exit_status="p")
    monkeypatch.setenv("MINIDOCKER_COURSE", str(course))
    asked = []
    monkeypatch.setattr("minidocker.vm.remote.grade", lambda options: asked.append(options.lesson))
    grade_verb.main(["--failing", "--on", "vm"])
    assert asked == [["spawn_first"]]
