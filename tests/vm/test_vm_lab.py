"""The machine itself: quick, pristine, and gone when it should be."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from jobs import CHECKS_NEWER, Judge

from minidocker.errors import MinidockerError
from minidocker.proc import processes
from minidocker.vm import places, remote
from minidocker.vm.check_machine import VirtualMachine
from minidocker.vm.machine import Machine


@pytest.fixture(scope="module", autouse=True)
def alone(newer: Machine, judge: Judge) -> None:
    """What is timed here is timed on a host that does nothing else."""
    judge.wait(CHECKS_NEWER)
    newer.down()


def test_restore_brings_back_the_pristine_machine(lab: Machine, clock: Any) -> None:
    way = lab.ssh()
    boot = way.shell("cat /proc/sys/kernel/random/boot_id")
    way.shell("rm -rf /usr/bin/python3* /minidocker/exercises; touch /etc/broken")
    begin = time.monotonic()
    with clock("a fresh shell by snapshot"):
        way = lab.restore()
        way.shell(
            "test -x /usr/bin/python3 && test -d /minidocker/exercises && ! test -e /etc/broken"
        )
    assert time.monotonic() - begin < 30
    assert way.shell("cat /proc/sys/kernel/random/boot_id") == boot  # it was not booted again
    skew = float(way.shell("date +%s")) - time.time()
    assert abs(skew) < 5


def alive(lab: Machine) -> int:
    """The pid of QEMU; never 0, which kill(2) takes for the test's own process group."""
    pid = lab.pid
    assert pid > 1
    return pid


def test_a_killed_qemu_is_noticed_and_brought_up_again(lab: Machine) -> None:
    lab.up()
    os.kill(alive(lab), signal.SIGKILL)
    deadline = time.monotonic() + 10
    while lab.pid and time.monotonic() < deadline:
        time.sleep(0.05)
    with pytest.raises(MinidockerError):
        lab.ssh()
    assert lab.up().shell("echo back") == "back\n"


def test_a_hung_machine_is_put_back(lab: Machine) -> None:
    """Nobody answers in it any more: restore needs nothing from it."""
    lab.up()
    os.kill(alive(lab), signal.SIGSTOP)
    assert lab.restore().shell("echo back") == "back\n"


def test_down_ends_everything(lab: Machine) -> None:
    assert lab.down()
    assert lab.pid == 0
    assert not lab.run.exists()
    assert not any(str(lab.run) in line for line in _command_lines())
    assert lab.up().shell("echo back") == "back\n"


def _command_lines() -> list[str]:
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                found.append(Path(f"/proc/{entry}/cmdline").read_text(errors="replace"))
            except OSError:
                continue
    return found


def test_only_our_user_can_get_in(lab: Machine) -> None:
    """The key is ours alone, and so are the directories with sockets and disks."""
    box = lab.box()
    assert box is not None
    for path, mode in ((box.key, 0o600), (lab.directory, 0o700), (lab.run, 0o700)):
        assert path.stat().st_mode & 0o077 == 0, (path, oct(mode))


def test_what_the_machine_costs(lab: Machine, vm: VirtualMachine, clock: Any) -> None:
    """Memory of the virtual machine beside that of one container in it: notebook 00's figures."""
    lab.restore()
    machine = processes.sizes(lab.pid)["VmRSS"]
    vm = VirtualMachine(lab.ssh())
    session = vm.spawn(["minidocker", "run", "-it", "--rm", "--name", "small", "base", "sh"])
    session.expect("# ")
    script = (
        "import json; r = json.load(open('/var/lib/minidocker/containers/names/small/record.json'));"
        "print(open(f\"/proc/{r['pid']}/smaps_rollup\").read())"
    )
    rows = vm.run(["python3", "-c", script]).splitlines()
    container = int(next(row for row in rows if row.startswith("Pss:")).split()[1])
    session.sendline("exit")
    print(
        f"virtual machine {machine >> 10} MB ({lab.facts()['accelerator']}), container {container} kB"
    )
    assert machine > 20 * container


ATTACKS = {
    "destroys": "import os\n"
    "print('\\033[2J')\n"
    "os.system('rm -rf /minidocker/minidocker /minidocker/tests; pkill sshd; reboot -f')\n",
    "takes_all": "import os, subprocess\n"
    "subprocess.Popen(['dd', 'if=/dev/zero', 'of=/var/tmp/all', 'bs=1M'])\n"
    "while True:\n"
    "    try:\n"
    "        os.fork()\n"
    "    except OSError:\n"
    "        pass\n",
}


def test_a_submission_gets_a_machine_of_its_own(tmp_path: Path, lab: Machine, clock: Any) -> None:
    """Attacks cost themselves only: the next submission is judged, in a pristine machine."""
    solution = (places.COURSE / "solutions/01_pid.py").read_text()
    before = {p: p.stat().st_mtime_ns for p in (places.COURSE / "exercises").glob("*.py")}
    for name, text in {**ATTACKS, "honest": solution}.items():
        directory = tmp_path / name
        directory.mkdir()
        (directory / "01_pid.py").write_text(text)
        words = ["01", "--on", "vm", "--fresh", "--from", str(directory)]
        with clock("three submissions, each in a pristine machine"):
            done = subprocess.run(
                [sys.executable, "-m", "minidocker", "grade", *words],
                capture_output=True, text=True, cwd=places.COURSE, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        assert (done.returncode == 0) is (name == "honest"), done.stdout + done.stderr
        assert "\x1b" not in done.stdout
    assert {p: p.stat().st_mtime_ns for p in (places.COURSE / "exercises").glob("*.py")} == before
    assert Machine("grading").pid == 0
    Machine("grading").down(everything=True)
    assert remote.THERE.startswith("/")
