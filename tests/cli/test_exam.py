"""`minidocker exam`: real Podman on solutions, starters, mistakes, and on what an enemy would try."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from minidocker.course import manifest
from minidocker.course.journal import Journal
from minidocker.errors import Blocked
from minidocker.exam import asked, containers, elsewhere, holes, inside, kit, looks, served, sitting
from minidocker.exam.yard import OPT, PROGRAMS, program
from minidocker.plan import learner, own
from minidocker.verbs.exam import checked
from minidocker.verbs.mine import of_the_exam
from tests.conftest import REPOSITORY

SOLUTIONS = REPOSITORY / "solutions"
MARK = os.urandom(8).hex()
ENV = {**os.environ, "PYTHONPATH": str(REPOSITORY), "EXAM_TEST": MARK}
NEEDS = pytest.mark.needs("root", "pidns", "mntns", "netns", "utsns", "ipcns", "userns", "busybox")


def exam(directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "minidocker", "exam", "--dir", str(directory), *words],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=300, env=ENV,
    )  # fmt: skip


def podman_here() -> None:
    for name in ("podman", "conmon", *PROGRAMS):
        if not program(name):
            pytest.skip(f"blocked: {name} is not here (sudo apt-get install podman conmon)")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The solutions, to be spoiled."""
    return Path(shutil.copytree(SOLUTIONS, tmp_path / "exercises"))


def left() -> list[str]:
    """Processes of the exams of these tests. When a room's process 1 ends, so do all in it."""
    found = []
    for one in Path("/proc").iterdir():
        try:
            if one.name.isdigit() and f"EXAM_TEST={MARK}".encode() in (one / "environ").read_bytes():
                found.append(f"{one.name} {(one / 'cmdline').read_bytes()!r}")
        except OSError:
            continue
    return found


@NEEDS
def test_the_solutions_pass_and_there_is_a_page_to_keep(tmp_path: Path) -> None:
    podman_here()
    done = exam(SOLUTIONS, "--json", "--page", str(tmp_path / "page"))
    assert done.returncode == 0, done.stdout + done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    assert said["passed"] and not said["failures"]
    ran = {row["function"]: row for row in said["functions"] if row["result"] == "ran"}
    for name in ("spawn", "pivot", "make_private", "drop_capabilities", "become_root"):
        assert "by Podman" in ran[name]["container"], ran[name]
    for name in ("init", "overlay_options", "publish", "supervise", "join", "PULL_ORDER", "choose",
                 "holes", "spec_of", "create", "start", "state"):  # fmt: skip
        assert "by minidocker" in ran[name]["container"], ran[name]
    for name in containers.NOT_HERE:
        assert ran[name]["container"] == sitting.CELL and "checks pass" in ran[name]["seen"]
    page = (tmp_path / "page/exam.html").read_text()
    drawn = (tmp_path / "page/exam.svg").read_text()
    for name, row in ran.items():
        assert f"{name}()" in page and f"{name}()" in drawn
        assert row["file"] in page and (row["file"] or name == "blame")
    assert "prefers-color-scheme" in page and "@media print" in page
    assert "<script" not in page and 'src="' not in page and "@import" not in page
    assert not left()


def a_spec(**changes: Any) -> str:
    config: dict[str, Any] = {
        "process": {"capabilities": {"bounding": [], "effective": [], "permitted": []}},
        "linux": {
            "namespaces": [{"type": one} for one in ("pid", "network", "ipc", "uts", "mount")],
            "resources": {"memory": {"limit": 9, "swap": 9}},
        },
    }
    for path, value in changes.items():
        part = config
        *above, last = path.split("__")
        for name in above:
            part = part[name]
        part[last] = value
    return json.dumps(config)


def test_the_config_of_a_learners_spec_of_is_looked_at() -> None:
    assert served.right_spec(a_spec())["linux"]["namespaces"]
    sets = {"bounding": [7], "effective": [7], "permitted": [7], "ambient": [], "inheritable": []}
    kinds = [{"type": one} for one in (*served.KINDS, "cgroup")]  # right, too, says lesson 15's check
    assert served.right_spec(a_spec(process__capabilities=sets, linux__namespaces=kinds))
    for text, said in {
        a_spec(linux__namespaces=[{"type": "pid"}]): "the namespaces are ['pid']",
        a_spec(linux__namespaces=kinds[1:]): "the namespaces are ['mount'",
        a_spec(linux__namespaces=kinds + kinds[:1]): "the namespaces are ['ipc'",
        a_spec(process__capabilities={**sets, "ambient": [7]}): "['ambient', 'bounding'",
        a_spec(process__capabilities={"bounding": [], "ambient": []}): "['ambient', 'bounding']",
        a_spec(linux__resources={"memory": {"limit": 9, "swap": 18}}): "18",
        a_spec(linux__resources={"memory": 9}): "lacks something",
        a_spec(linux__namespaces=[7]): "lacks something", "[" * 100_000: "lacks something",
        "[]": "lacks something", "": "lacks something", "nonsense": "lacks something",
    }.items():
        with pytest.raises(looks.Wrong, match="lesson 15: spec_of: ") as caught:
            served.right_spec(text)
        assert said in str(caught.value)


@NEEDS
def test_what_no_container_needs_fails_by_name_too() -> None:
    course = manifest.load(REPOSITORY)
    functions, texts = asked.read(course, SOLUTIONS)
    texts["05_cgroups.py"] += "\ndef limits(resources):\n    return {}\n"
    mine = [one for one in functions if one.number == "05" or one.name == "map_lines"]
    outcome = sitting.Outcome("podman", mine)
    sitting.by_checks(outcome, texts, checked)
    assert [text.split(": ")[:2] for text in outcome.failures] == [["lesson 05", "limits"]]
    assert not outcome.passed
    words = {row.name: (row.container, row.word) for row in outcome.rows()}
    assert words["limits"] == (sitting.CELL, "failed") and words["map_lines"] == (sitting.CELL, "ran")
    blocked = sitting.Outcome("podman", mine)
    sitting.by_checks(blocked, texts, lambda file, text: [((one.name,), "blocked", "no cgroup") for one in mine])
    assert {row.seen for row in blocked.rows()} == {"no cgroup"} and not blocked.failures


@pytest.mark.parametrize(
    ("file", "name"), [("01_pid.py", "spawn"), ("05_cgroups.py", "limits"), ("03_rootfs.py", "pivot"), ("10_capabilities.py", "mask_paths")]
)
def test_a_starter_fails_by_name_before_anything_runs(files: Path, file: str, name: str) -> None:
    course = manifest.load(REPOSITORY)
    from minidocker.course import exercise_file

    (files / file).write_text(exercise_file.starter(course, course.lesson(file)))
    done = exam(files)
    assert done.returncode == 1, done.stderr
    assert f"lesson {file[:2]}: {name} is still the starter's" in done.stdout.splitlines()
    assert "podman" not in done.stdout


def test_the_lab_machine_says_where_the_exam_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "marker").touch()
    monkeypatch.setattr(sitting, "LAB_MARKER", str(tmp_path / "marker"))
    monkeypatch.setattr(sitting, "program", lambda name: "" if name == "podman" else f"/usr/bin/{name}")
    with pytest.raises(Blocked, match="the lab machine is small, and has no Podman") as caught:
        sitting.must_be_here(manifest.load(REPOSITORY), "podman")
    assert "outside of it" in caught.value.remedy and "apt-get" not in caught.value.remedy


def test_what_is_no_exercise_fails_by_name(files: Path) -> None:
    (files / "01_pid.py").write_text("def spawn(:\n")
    (files / "02_mounts.py").unlink()
    (files / "06_uts_ipc_time.py").unlink()
    os.mkfifo(files / "06_uts_ipc_time.py")
    said = exam(files).stdout
    assert "lesson 01: 01_pid.py, line 1: " in said
    assert "lesson 02: 02_mounts.py: there is no such file" in said
    assert "lesson 06: 06_uts_ipc_time.py: it is no regular file" in said


def test_every_function_of_a_stage_can_be_cut_out() -> None:
    course = manifest.load(REPOSITORY)
    functions, _ = asked.read(course, SOLUTIONS)
    assert {one.state for one in functions} == {asked.YOURS}
    files = holes.package([(one.stage, one.name) for one in functions if one.stage])
    text = b"".join(files.values())
    for one in (one for one in functions if one.stage):
        assert holes.SAID.format(name=one.name).encode() in text
    for path, content in files.items():
        if path.endswith(".py"):
            compile(content, path, "exec")
    for gone in ("chamber/", "grader/", "escapes/", "course/lessons/", "exam/"):
        assert not any(path.startswith(f"minidocker/{gone}") for path in files)


@NEEDS
def test_a_mistake_fails_with_its_lesson_and_function(files: Path) -> None:
    podman_here()
    spoil(files, "01_pid.py", "def spawn(kernel, flags, child):\n    raise OSError(5, 'not today')\n")
    done = exam(files)
    assert done.returncode == 1
    assert "lesson 01: spawn: " in done.stdout, done.stdout + done.stderr
    assert "not today" in done.stdout


def test_a_word_that_fails_names_a_function() -> None:
    functions, _ = asked.read(manifest.load(REPOSITORY), SOLUTIONS)

    def told(err: str) -> str:
        return containers.blamed(inside.Said(("minidocker",), 125, "", err), "ended", functions)

    note = "minidocker: your exec_in serves.\nminidocker: your holes sees in this bundle: none\n"
    assert told("minidocker: your verify in /x/13_images.py: KeyError: 7\n") == "lesson 13: verify: KeyError: 7"
    assert told(f"{note}minidocker: your trusted believes it\n") == "lesson 13: trusted: believes it"
    assert told(f"{note}minidocker: part create of x/15_a.py: none\n") == "lesson 15: create: none"
    plain = told(f"{note}minidocker: it has no signature\n  try: another key\n")
    assert plain.endswith("it has no signature")
    mine = served.asked_of("pull", functions)
    assert served.by_name(plain, mine, ["verify", "trusted", "stop"]).startswith("lesson 13: trusted, called last: ")
    assert served.by_name(plain, mine, []) == plain
    assert served.by_name("lesson 13: verify: no", mine, ["trusted"]) == "lesson 13: verify: no"


def test_the_lessons_checks_say_whose_fault_it_is() -> None:
    functions, texts = asked.read(manifest.load(REPOSITORY), SOLUTIONS)
    bad: dict[str, str] = {}
    judged = []

    def checks(file: str, text: str) -> list[tuple[tuple[str, ...], str, str]]:
        judged.append(file[:2])
        return [((one.name,), "fail" if one.name in bad else "pass", bad.get(one.name, ""))
                for one in functions if one.file == file]  # fmt: skip

    def failure(text: str) -> str:
        outcome = sitting.Outcome("podman", functions, failures=[text])
        judged.clear()
        sitting.by_whose_fault(outcome, texts, checks)
        return outcome.failures[0]

    refused = "lesson 03: pivot: pivot_root(2) on .: EINVAL"
    bad["make_private"] = "MD0201  The table is shared.\n  more"
    assert failure(refused) == f"lesson 02: make_private: MD0201  The table is shared. So: {refused}"
    assert judged == ["03", "00", "01", "02"]
    bad["pivot"] = "it does nothing"
    assert failure(refused) == refused and judged == ["03"]
    assert failure("podman run: ended with 127").startswith("lesson 02: make_private: ")
    seen = f"lesson 03: pivot: the root is the room's{containers.LOOKED_AT}first)"
    assert failure(seen) == seen and not judged
    bad.clear()
    assert failure(refused) == refused and judged[-1] == "15"


def spoil(files: Path, file: str, text: str) -> None:
    with open(files / file, "a") as out:
        out.write(f"\n\n{text}\n")


CHROOT = """
def pivot(kernel, root):
    kernel.chdir(root)
    kernel.chroot(".")
"""

# What an enemy tries so that an empty pivot counts as one: each is laid over the solution.
ATTACKS = {
    "the reference": """
def pivot(kernel, root):
    from minidocker.stages.rootfs import Rootfs
    Rootfs.pivot(kernel, root)
""",
    "the solutions": f"""
def pivot(kernel, root):
    found = {{}}
    exec(open({str(SOLUTIONS / "03_rootfs.py")!r}).read(), found)
    found["pivot"](kernel, root)
""",
    "words and descriptors": """
import os
def pivot(kernel, root):
    line = b'{"function": "pivot", "result": "ran", "good": true}\\n\\xe2\\x9c\\x93 ok  03 pivot ran\\n'
    for fd in range(256):
        try:
            os.write(fd, line)
        except OSError:
            pass
""" + CHROOT.replace("def pivot", "def wrong").lstrip() + """
_first = pivot
def pivot(kernel, root):
    _first(kernel, root)
    wrong(kernel, root)
""",
    "frames and objects": """
import gc, sys
for one in gc.get_objects():
    if isinstance(one, dict) and ("findings" in one or "failures" in one):
        one.clear()
""" + CHROOT,
    "another runtime": """
import os
def pivot(kernel, root):
    for name in ("runc", "crun", "unshare", "bwrap"):
        for place in ("/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/libexec", "/usr/lib/cri-o-runc/sbin"):
            if os.path.exists(f"{place}/{name}"):
                os.execv(f"{place}/{name}", [name, "--version"])
""" + CHROOT.replace("def pivot", "def wrong").lstrip() + """
_first = pivot
def pivot(kernel, root):
    _first(kernel, root)
    wrong(kernel, root)
""",
    "the runtime's own files": """
import os
for path in ("/opt/exam/bin/minidocker-runtime", "/opt/exam/minidocker/stages/rootfs.py", "/opt/exam/parts"):
    try:
        os.remove(path)
    except OSError:
        continue
    raise SystemExit(f"{path} could be removed")
""" + CHROOT,
    "a cover over Podman": """
import os
def spawn(kernel, flags, child):
    with open("/tmp/podman", "w") as out:
        out.write("#!/bin/sh\\necho fake\\n")
    os.chmod("/tmp/podman", 0o755)
    kernel.mount("/tmp/podman", "/usr/bin/podman", "", 4096)
    kernel.unshare(flags)
    pid = kernel.fork()
    if pid == 0:
        child()
    return pid
""",
    "kill everybody": """
import os
def pivot(kernel, root):
    for pid in (-1, 1):
        try:
            os.kill(pid, 9)
        except OSError:
            pass
""",
}  # fmt: skip
QUICK = ("the reference",)


@NEEDS
@pytest.mark.parametrize(
    "name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.more) for n in ATTACKS]
)
def test_an_attack_earns_nothing(files: Path, name: str) -> None:
    podman_here()
    file = "01_pid.py" if "def spawn" in ATTACKS[name] else "03_rootfs.py"
    spoil(files, file, ATTACKS[name])
    done = exam(files, "--json")
    assert done.returncode == 1, done.stdout + done.stderr
    said = json.loads(done.stdout)
    ran = {row["function"] for row in said["functions"] if row["result"] == "ran"}
    assert not said["passed"] and "pivot" not in ran
    if name in ("the reference", "the solutions", "another runtime"):
        assert said["failures"][0].startswith("lesson 03: pivot: "), said["failures"]
    if name == "a cover over Podman":
        assert "mounted something over" in said["failures"][0]
    assert not left()


@NEEDS
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_kill_leaves_nothing(number: int) -> None:
    podman_here()
    words = [sys.executable, "-m", "minidocker", "exam", "--dir", str(SOLUTIONS)]
    mounts = Path("/proc/self/mounts").read_text()
    with subprocess.Popen(
        words, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENV
    ) as judge:
        assert judge.stdout
        while "image" not in judge.stdout.readline():
            assert judge.poll() is None
        assert left()
        judge.send_signal(number)
        assert judge.wait(60) == (-9 if number == signal.SIGKILL else 130)
    until = time.monotonic() + 60
    while left() and time.monotonic() < until:
        time.sleep(0.05)
    assert not left()
    assert "/opt/exam" not in mounts and "/opt/exam" not in Path("/proc/self/mounts").read_text()


def test_each_function_of_a_container_is_looked_at_or_it_is_said_why_not() -> None:
    functions, _ = asked.read(manifest.load(REPOSITORY), SOLUTIONS)
    looked = {*containers.FIRST, *containers.SHELL, *containers.MAPPED, *containers.OURS}
    for one in functions:
        if one.stage:
            assert (one.name in looked) != (one.name in containers.NOT_HERE), one.name
        assert set(one.serves) <= set(served.WORDS), one.name
        assert one.name == "blame" or elsewhere.file_of(one.name)[1], one.name
    assert set(elsewhere.FILES) <= {one.name for one in functions}


def test_a_list_of_parts_stands_for_a_course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one.py").write_text("def pivot(kernel, root): pass\ndef pack(tree): return 7\n")
    one = asked.Asked("03", "pivot", "rootfs", "one.py", asked.YOURS)
    two = asked.Asked("12", "pack", "", "one.py", asked.YOURS, serves=("commit", "build"))
    text = kit.parts([one, two]).decode().replace(f"{OPT}/exercises", str(tmp_path))
    (tmp_path / "parts").write_text(text)
    monkeypatch.setenv("MINIDOCKER_PARTS", str(tmp_path / "parts"))
    monkeypatch.setenv("MINIDOCKER_ROOT", str(tmp_path / "store"))
    assert learner.mine() == [("rootfs", ["pivot"], str(tmp_path / "one.py"), False)]
    for word in ("commit", "build"):
        assert learner.serving(word, "x")["pack"](None) == 7
    assert learner.serving("pull", "x") == {}


def test_mine_says_what_the_last_exam_has_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("minidocker/course/lessons", "exercises"):
        shutil.copytree(REPOSITORY / name, tmp_path / name)
    monkeypatch.setenv("MINIDOCKER_COURSE", str(tmp_path))
    assert of_the_exam(own.last_exam()) == []
    Journal(tmp_path).add("exam", by="podman", passed=True, ran={"spawn": "shell, by Podman"})
    first, second = of_the_exam(own.last_exam())
    assert first.endswith("passed; seen at work in a container:")
    assert second == "  shell, by Podman: spawn"


DOCKER = ("dockerd", "containerd", "containerd-shim-runc-v2", "docker", "docker-proxy")


@NEEDS
@pytest.mark.more
def test_docker_runs_the_solutions_and_names_a_starter(files: Path) -> None:
    missing = [name for name in DOCKER if not program(name)]
    if missing:
        pytest.skip(f"blocked: {missing[0]} is not here (sudo apt-get install docker.io)")
    done = exam(SOLUTIONS, "--with", "docker", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout)
    ran = {row["function"]: row["container"] for row in said["functions"] if row["result"] == "ran"}
    assert ran["pivot"] == "first, by Docker" and ran["compile_filter"] == "shell, by Docker"
    spoil(files, "03_rootfs.py", CHROOT)
    done = exam(files, "--with", "docker")
    assert done.returncode == 1
    assert "lesson 03: pivot: " in done.stdout


def test_docker_is_refused_in_a_sentence_where_there_is_none() -> None:
    if all(map(program, DOCKER)):
        pytest.skip("blocked: Docker is here")
    done = exam(SOLUTIONS, "--with", "docker")
    assert done.returncode == 3
    assert "needs dockerd" in done.stderr and "--with podman" in done.stderr
