"""A real `vagrant up`, on a copy of the course, and a host that is the same afterwards."""

from __future__ import annotations

import io
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jobs import Judge, checks_of

from minidocker.course.manifest import load
from minidocker.doctor.doctor import features, missing
from minidocker.lab.jupyter import FIRST
from minidocker.vm import course, host_state
from minidocker.vm.hardware import runtime
from minidocker.vm.ssh import Ssh

CI = bool(os.environ.get("CI"))
WORK = "/minidocker/exercises /minidocker/notebooks /minidocker/.minidocker"
VAGRANT = [sys.executable, "-m", "minidocker", "vm", "vagrant"]


def call(place: Path, what: str, **more: str) -> subprocess.CompletedProcess[str]:
    """`make vm` or `make vm-down`, in a copy of the course."""
    env = {
        **os.environ,
        "PYTHONPATH": str(place),
        "MINIDOCKER_VM": str(place.parent / "state"),
        **more,
    }
    return subprocess.run(
        [*VAGRANT, what], env=env, cwd=place, capture_output=True, text=True,
        stdin=subprocess.DEVNULL, timeout=1500,
    )  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, clock: Any) -> Iterator[Path]:
    """A copy of the course with its Vagrant machine up; everything is removed in the end."""
    if os.geteuid():
        pytest.skip("blocked: `make vm` by itself needs root (sudo make test)")
    if not CI and not shutil.which("vagrant"):
        pytest.skip("blocked: Vagrant is not installed (make vm)")
    copy = tmp_path_factory.mktemp("vagrant") / "course"
    copy.mkdir()
    with tarfile.open(fileobj=io.BytesIO(course.archive())) as tar:
        tar.extractall(copy)
    try:
        with clock("vagrant up from nothing (the box may be there)"):
            done = call(copy, "up")
        print(done.stdout, done.stderr)
        assert done.returncode == 0, done.stderr[-3000:]
        (copy / "said").write_text(done.stdout)
        yield copy
    finally:
        with clock("vagrant: tear-down"):
            done = call(copy, "down", LAB_FORCE="1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the host is as it was" in done.stderr


@pytest.fixture(scope="module")
def root(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ssh]:
    """The way in as root, over one connection; the box has our key for root too."""
    done = subprocess.run(
        ["vagrant", "ssh-config"], cwd=place, capture_output=True, text=True, check=True,
        stdin=subprocess.DEVNULL, timeout=120,
    )  # fmt: skip
    facts = dict(line.split(None, 1) for line in done.stdout.splitlines() if line.strip())
    key = Path(facts["IdentityFile"].strip('"'))
    way = Ssh(facts["HostName"], int(facts["Port"]), key, runtime() / f"test-{os.getpid()}.ssh")
    yield way
    way.close()


def ssh(root: Ssh, script: str) -> str:
    """Run a script in the machine as Vagrant's own user, who may become root."""
    return root.shell(f"cd / && exec su vagrant -c {shlex.quote(script)}")


def soon(condition: Any, seconds: float = 60) -> bool:
    """Wait for something that another process does."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.2)
    return False


def test_the_last_line_is_an_address_that_answers(place: Path) -> None:
    address = (place / "said").read_text().splitlines()[-1]
    assert address.startswith("http://127.0.0.1:")
    base, _, token = address.partition(f"{FIRST}?token=")
    with urllib.request.urlopen(f"{base}/api/status?token={token}", timeout=60) as answer:
        assert answer.status == 200
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"{base}/api/contents", timeout=60)


def test_work_goes_both_ways_while_the_machine_runs(place: Path, root: Ssh) -> None:
    (place / "exercises/here.txt").write_text("from here\n")
    ssh(root, "sudo -u learner sh -c 'echo from there > /minidocker/notebooks/there.txt'")
    assert soon(lambda: (place / "notebooks/there.txt").exists())
    assert (place / "notebooks/there.txt").read_text() == "from there\n"
    assert soon(lambda: "from here" in ssh(root, "cat /minidocker/exercises/here.txt || true"))


def test_the_learner_may_become_root_by_minidocker_alone(root: Ssh) -> None:
    assert "uid=0" in ssh(root, "sudo -u learner sudo -n minidocker run --rm base id")
    assert "refused" in ssh(root, "sudo -u learner sudo -n id 2>&1 || echo refused")
    assert "learner" in ssh(root, "ps -o user= -C jupyter-lab")
    assert ssh(root, f"find {WORK} -user root").strip() == ""


def test_a_second_up_is_quick_and_says_the_address_again(place: Path, clock: Any) -> None:
    with clock("vagrant up, warm"):
        done = call(place, "up")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == (place / "said").read_text().splitlines()[-1]


# As the machine's JupyterLab runs them for a learner: its user, its environment, its kernel.
BY_LEARNER = """
import os, pwd, subprocess, sys
import nbclient, nbformat
server = subprocess.check_output(["pgrep", "-o", "-u", "learner", "jupyter-lab"], text=True).strip()
with open(f"/proc/{server}/environ") as file:
    environment = dict(item.split("=", 1) for item in file.read().split("\\0") if item)
learner = pwd.getpwnam("learner")
os.initgroups("learner", learner.pw_gid)
os.setgid(learner.pw_gid)
os.setuid(learner.pw_uid)
os.environ.clear()
os.environ.update(environment)
for path in sys.argv[2:]:
    book = nbformat.read(path, 4)
    if sys.argv[1] == "begins":
        code = [n for n, cell in enumerate(book.cells) if cell.cell_type == "code"]
        book.cells = book.cells[: code[3]]
    nbclient.NotebookClient(book, timeout=300, startup_timeout=300, resources={"metadata": {"path": "notebooks"}}).execute()
    for cell in book.cells:
        for output in cell.get("outputs", ()):
            assert not output.get("text", "").lower().startswith("blocked"), (cell.id, output.text)
    assert sys.argv[1] == "begins" or environment["MINIDOCKER_LAB_URL"] in str(book.cells)
    print(sys.argv[1] + ":", path, flush=True)
"""

REFERENCE, SOLUTIONS = "reference", "solutions"
CHECKS = [f"every stage check in the Vagrant machine, over the reference, part {part} of 4"
          for part in range(1, 5)]  # fmt: skip
NOTEBOOKS = "notebooks in the Vagrant machine"
BEGIN = [f"the first cells of the other notebooks in the Vagrant machine, {row}"
         for row in ("one third", "the second third", "the last third")]  # fmt: skip
COMMAND = "a smoke of the command in the Vagrant machine"


@pytest.fixture(scope="module")
def unseen() -> list[str]:
    """The notebooks that this host cannot run whole; where it lacks nothing, 05 all the same."""
    found = features()
    here = {one.id for one in load().lessons if missing(one.needs, found)} | {"05_cgroups"}
    return sorted(Path(one.notebook).stem for one in load().lessons if one.id in here)


def others(unseen: list[str]) -> list[str]:
    """The notebooks that are not run whole in the machine, since this host runs them."""
    return [one.notebook for one in load().lessons if Path(one.notebook).stem not in unseen]


def by_learner(how: str, notebooks: list[str]) -> list[str]:
    """The words that run notebooks as a learner does; how: `whole`, or `begins`."""
    return ["python", "-W", "ignore", "-c", BY_LEARNER, how, *notebooks]


def first_cells(unseen: list[str], row: int) -> list[str]:
    """The words that run the first cells of every third of those."""
    return by_learner("begins", others(unseen)[row :: len(BEGIN)])


@pytest.fixture(scope="module")
def begun(root: Ssh, judge: Judge, unseen: list[str]) -> Judge:
    """All that is judged in the machine, two at a time, the longest first."""
    def way() -> Ssh:
        return root

    judge.begin(NOTEBOOKS, way, by_learner("whole", [f"notebooks/{name}.ipynb" for name in unseen]))
    for part, name in enumerate(CHECKS):
        judge.tests(name, way, *checks_of(load().lessons[part::4]), "-k", REFERENCE)
    some = "exit_status or namespace or mount or rootfs or orphan or limit"
    judge.tests(COMMAND, way, "tests/cli/test_run.py", "-k", some)
    return judge


@pytest.mark.parametrize("part", range(4))
def test_every_check_of_every_lesson(begun: Judge, part: int) -> None:
    """All of tests/stages in the machine, over the reference; the newer one has solutions."""
    begun.passed(CHECKS[part], least=sum(len(one.checks) for one in load().lessons[part::4]))


def test_the_notebooks_that_this_host_cannot_run(begun: Judge, root: Ssh, unseen: list[str]) -> None:
    """In the machine's JupyterLab nothing of them is blocked, and the learner's files stay theirs."""
    status, said = begun.wait(NOTEBOOKS)
    assert status == 0, said[-3000:]
    assert said.count("whole:") == len(unseen)
    assert root.shell(f"find {WORK} -user root").strip() == ""


@pytest.mark.more
@pytest.mark.parametrize("what", ["checks", "notebooks"])
def test_the_same_over_the_solutions(
    root: Ssh, judge: Judge, unseen: list[str], what: str
) -> None:
    which = f"runs_top_to_bottom and {SOLUTIONS} and ({' or '.join(unseen)})"
    words, least = ("tests/course/test_notebooks.py", "-k", which), len(unseen)
    if what == "checks":
        words = ("tests/stages", "-k", SOLUTIONS)
        least = sum(len(lesson.checks) for lesson in load().lessons)
    name = f"{what} over the solutions in the Vagrant machine"
    judge.tests(name, lambda: root, *words)
    judge.passed(name, least)


@pytest.mark.more
@pytest.mark.parametrize("row", range(len(BEGIN)))
def test_other_notebooks_begin(root: Ssh, judge: Judge, unseen: list[str], row: int) -> None:
    """A kernel starts, the lesson opens, and the first experiment runs: emulation has its price."""
    judge.begin(BEGIN[row], lambda: root, first_cells(unseen, row))
    status, said = judge.wait(BEGIN[row])
    assert status == 0, said[-3000:]
    assert said.count("begins:") == len(others(unseen)[row :: len(BEGIN)])


def test_a_smoke_of_the_command(begun: Judge) -> None:
    """The first tests of `minidocker run` on that kernel."""
    begun.passed(COMMAND, least=5)


def test_work_is_carried_out_before_the_machine_stops(
    place: Path, root: Ssh, clock: Any
) -> None:
    """The background carrier is ended first: what is left to carry is carried by `halt` itself."""
    from minidocker.vm import sync_watch

    mark = str(place / "guest/keep-in-step")
    for entry in os.listdir("/proc"):
        try:
            words = Path(f"/proc/{entry}/cmdline").read_text(errors="replace").split("\0")
        except OSError:
            continue
        if mark in words and entry.isdigit():
            os.kill(int(entry), 9)
    ssh(root, "sudo -u learner sh -c 'echo last > /minidocker/exercises/last.txt'")
    with clock("vagrant halt"):
        done = subprocess.run(
            ["vagrant", "--no-tty", "halt"], cwd=place, capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=300,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert (place / "exercises/last.txt").read_text() == "last\n"
    assert sync_watch.FOLDER.name == ".vagrant"


@pytest.mark.more
def test_up_can_be_interrupted_and_libvirt_can_die(place: Path, clock: Any) -> None:
    """One clear end, and the next `up` goes on from there."""
    subprocess.run(["vagrant", "--no-tty", "halt"], cwd=place, check=True, timeout=300,
                   stdin=subprocess.DEVNULL, capture_output=True)  # fmt: skip
    env = {**os.environ, "PYTHONPATH": str(place), "MINIDOCKER_VM": str(place.parent / "state")}
    process = subprocess.Popen(
        [*VAGRANT, "up"], env=env, cwd=place, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        said = []
        for line in process.stdout:
            said.append(line)
            if "Starting domain" in line:
                os.killpg(process.pid, signal.SIGINT)
        assert process.wait(120) != 0
        assert "Traceback" not in "".join(said)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    ours = str(place.parent / "state/vagrant/libvirtd.pid")
    for pid in host_state.running("libvirtd"):
        if ours in Path(f"/proc/{pid}/cmdline").read_text().split("\0"):
            os.kill(pid, signal.SIGKILL)
    with clock("vagrant up, after an interrupted one and a dead libvirtd"):
        done = call(place, "up")
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[-1].startswith("http://127.0.0.1:")
