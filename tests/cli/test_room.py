"""The room: root inside, nobody outside; what a mistake does there ends there, for root and for users."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from minidocker.proc import mounts

REPOSITORY = Path(__file__).resolve().parents[2]
UID = 54321
pytestmark = pytest.mark.needs("root", "userns", "pidns", "mntns")

Room = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(params=["root", "user"])
def room(command: list[str], request: pytest.FixtureRequest) -> Room:
    """Run `minidocker room sh -c SCRIPT` as the host's root, and as a user without any right."""

    def run(script: str) -> subprocess.CompletedProcess[str]:
        become = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups"]
        who = become if request.param == "user" else []
        env = {"HOME": "/nowhere", "PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY)}
        argv = [*who, *command, "room", "sh", "-c", script]
        return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=300,
                              stdin=subprocess.DEVNULL, cwd="/")  # fmt: skip

    return run


def test_its_root_is_nobody_outside(room: Room) -> None:
    done = room("id -u; hostname; echo $$; cut -c1-40 /proc/self/uid_map | head -1; "
                "minidocker escapes 2>&1; exit 7")  # fmt: skip
    assert done.returncode == 7, done.stderr
    user, name, pid, mapped, blocked, _ = done.stdout.splitlines()
    assert "machine's root, not a room's" in blocked, "nothing is tried where no yard can be made"
    assert (user, name) == ("0", "room") and int(pid) < 20
    assert mapped.split()[:2] != ["0", "0"], "its 0 is the host's 0"


MISTAKES = """
rm -rf {course}/README.md {course}/exercises /usr/bin 2>/dev/null
mount -o remount,ro / ; umount -l /usr; umount -l {course}
hostname broken; ip link set lo down; nft flush ruleset
echo h > /proc/sysrq-trigger
echo 1 > /proc/sys/kernel/panic
date -s 2001-01-01
kill -9 -1
"""


def foreign_tables() -> list[str]:
    """The host's tables of rules, but for ours: other tests run, too."""
    done = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if "minidocker" not in line]


@pytest.mark.needs("iproute2", "nft")
def test_what_a_mistake_does_there_ends_there(room: Room, host_unchanged: None) -> None:
    panic = Path("/proc/sys/kernel/panic").read_text()
    tables = foreign_tables()
    room(MISTAKES.format(course=REPOSITORY))
    assert (REPOSITORY / "README.md").is_file() and len(list((REPOSITORY / "exercises").iterdir())) > 9
    assert os.path.exists("/usr/bin/env") and os.access("/tmp", os.W_OK)
    assert Path("/proc/sys/kernel/panic").read_text() == panic
    assert foreign_tables() == tables
    assert int(Path("/sys/class/net/lo/flags").read_text(), 16) & 1, "the host's loopback is down"
    assert time.time() > 1_700_000_000


@pytest.mark.needs("busybox", "overlay", "iproute2", "nft")
def test_containers_run_in_it_with_a_bridge_and_single_walls(room: Room) -> None:
    done = room("""
        minidocker run --rm base sh -c 'id -u; hostname -i'
        minidocker run --rm --stages pid sh -c 'echo $$'
        minidocker run --rm --stages ..mounts ps -e | wc -l
        minidocker run --rm --mine base echo mine
        minidocker run --rm --uidmap 0:0:1 base id -u
        minidocker run --rm --uidmap 0:2000000000:1 base id -u 2>&1 | grep -c 'lacks some of the ids'
        minidocker ps -a -q; ip -br link | grep -c mdk
    """)
    assert done.stdout.split() == ["0", "10.77.0.2", "1", "2", "mine", "0", "1", "0"], done.stderr


def test_a_folder_of_the_callers_alone_is_shared(command: list[str], tmp_path: Path) -> None:
    """As JupyterLab's, where the sockets of its kernels are: mode 700."""
    folder = Path(tempfile.mkdtemp(prefix="mdshared", dir="/tmp"))  # others may enter what is above
    os.chown(folder, UID, UID)
    become = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups"]
    done = subprocess.run(
        [*become, *command, "room", "--share", str(folder), "touch", f"{folder}/new"], cwd="/",
        env={"HOME": "/nowhere", "PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY)},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    owners = [one.stat().st_uid for one in folder.iterdir()]
    shutil.rmtree(folder)
    assert owners == [UID], done.stderr


def test_root_keeps_the_course_and_owns_what_it_shares(command: list[str], tmp_path: Path) -> None:
    """In a room of root's the course is root's and read-only, which nobody takes away in it."""
    script = f"""
        stat -c %u {REPOSITORY}/exercises; touch {tmp_path}/new; cp /bin/true {tmp_path}/suid
        chmod 4755 {tmp_path}/suid; mount -o remount,bind,rw,suid {REPOSITORY}
        for place in {REPOSITORY} {REPOSITORY}/exercises; do
            mount --bind $place /mnt; mount -o remount,bind,rw /mnt; touch /mnt/new && echo written
        done
    """
    done = subprocess.run(
        [*command, "room", "--share", str(tmp_path), "sh", "-c", script], capture_output=True,
        text=True, timeout=60, env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    assert done.stdout == "0\n", done.stderr
    assert {one.stat().st_uid for one in tmp_path.iterdir()} == {0}
    assert not (REPOSITORY / "exercises/new").exists()


@pytest.mark.needs("cgroup2")
@pytest.mark.parametrize("end", ["exit", "kill"])
def test_a_room_of_roots_has_cgroups_of_its_own(command: list[str], end: str) -> None:
    """It may divide them, a container in it stands in one, and none stays."""
    script = """
        mkdir /sys/fs/cgroup/mine && cat /sys/fs/cgroup/mine/cgroup.type
        minidocker run -d --name box base sleep 60 >/dev/null
        sed -n s/^0:://p /proc/$(minidocker inspect -f '{{.State.Pid}}' box)/cgroup
        minidocker rm -f box >/dev/null
        minidocker run --rm -m 20m base echo limited 2>&1 | head -1
        rmdir /sys/fs/cgroup/mine; sleep 60 &
    """
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    opened = subprocess.Popen([*command, "room", "sh", "-c", script], env=env, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)  # fmt: skip
    if end == "kill":  # of the command itself: who comes next takes its cgroups along
        assert opened.stdout and opened.stdout.readline() == "domain\n"
        opened.kill()
    said, _ = opened.communicate(timeout=60)
    if end == "exit":
        kind, place, limited = said.splitlines()
        assert kind == "domain" and "/minidocker/" in place
        # Where the tree has no controllers, it is said which one is missing.
        assert limited == "limited" or "limits need the controller memory" in limited
    else:
        subprocess.run([*command, "room", "true"], env=env, check=True, timeout=60)
    top = next(one.point for one in mounts.mounts() if one.fstype == "cgroup2")
    limit = time.monotonic() + 10
    while (left := list(Path(top).glob("minidocker.grade.*.room"))) and time.monotonic() < limit:
        time.sleep(0.1)
        subprocess.run([*command, "room", "true"], env=env, check=True, timeout=60)
    assert left == []


@pytest.mark.parametrize("lessons", ["04 07 12", pytest.param("", marks=pytest.mark.more)])
def test_the_solutions_pass_in_it(room: Room, lessons: str) -> None:
    """As `%grade` judges there: a cell is then a user namespace in a user namespace."""
    done = room(f"minidocker grade {lessons} --from {REPOSITORY}/solutions")
    outcomes = re.findall(r"^  . (fail|error|blocked|pass|not) ", done.stdout, re.MULTILINE)
    assert len(outcomes) > 20 and set(outcomes) <= {"pass", "blocked"}, done.stdout
    assert outcomes.count("pass") > 9


def test_namespaces_are_made_in_it_and_joined(room: Room) -> None:
    done = room("""
        unshare --pid --fork --mount-proc ps -e | wc -l
        unshare --uts sleep 9 & sleep 0.3; nsenter --target $! --uts hostname
        unshare --user --map-root-user id -u
    """)
    assert done.stdout.split() == ["2", "room", "0"], done.stderr


def test_a_killed_room_leaves_nobody(command: list[str]) -> None:
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    mark = f"sleep 9{os.getpid()}"
    argv = [*command, "room", "sh", "-c", f"setsid {mark} & echo there; exec {mark}"]
    opened = subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    assert opened.stdout and opened.stdout.readline() == b"there\n"
    opened.send_signal(signal.SIGKILL)
    opened.wait()
    limit = time.monotonic() + 10
    while running(mark) and time.monotonic() < limit:
        time.sleep(0.05)
    assert running(mark) == []


def running(words: str) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if line.strip() == words:
            found.append(int(entry.name))
    return found


def test_on_a_terminal_it_is_a_shell_with_job_control(command: list[str]) -> None:
    pexpect = pytest.importorskip("pexpect", reason="blocked: needs pexpect (make test)")
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY), "TERM": "xterm"}
    child = pexpect.spawn(command[0], [*command[1:], "room"], env=env, timeout=30, encoding="utf-8")
    child.expect("You are root in a room")
    child.expect("room # ")
    child.sendline("sleep 60; echo status $?")
    time.sleep(0.5)
    child.sendcontrol("c")
    child.sendline("tty; kill -9 -1; echo still $((40 + 2))")
    child.expect("still 42")
    child.sendline("exit 5")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 5


def test_a_command_that_is_not_there_is_127(room: Room) -> None:
    assert room("exec nosuch").returncode == 127


def test_exec_enters_a_container_that_runs_in_it(room: Room) -> None:
    """A user's root may change no groups there; who enters sees no /proc/self to look that up."""
    lines = (
        "minidocker run -d --name box base sleep 600 >/dev/null && minidocker exec box id -u",
        "minidocker exec box sh -c 'exit 3'; echo $?; minidocker rm -f box",
    )
    done = room("\n".join(lines))
    assert done.stdout.splitlines() == ["0", "3", "box"], done.stderr
