"""`minidocker run` with names, clocks and shared walls: --ipc, --uts, --pid, --network."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.needs("root", "pidns", "mntns", "overlay")
KINDS = {"ipc": "ipc", "pid": "pid", "network": "net"}


@pytest.fixture
def neighbour(
    command: list[str], shared_store: Path, minidocker: Callable
) -> Iterator[tuple[str, subprocess.Popen]]:
    """A container that runs, with a file in its /dev/shm: its name, and its starter."""
    name = f"neighbour-{os.urandom(3).hex()}"
    script = "echo secret > /dev/shm/note; echo up; sleep 60"
    starter = subprocess.Popen(
        [*command, "run", "--rm", "--name", name, "base", "sh", "-c", script], text=True,
        env={**os.environ, "MINIDOCKER_ROOT": str(shared_store)}, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert starter.stdout
    assert starter.stdout.readline() == "up\n"
    yield name, starter
    starter.terminate()
    starter.kill()
    starter.communicate()
    minidocker("prune")


def own(name: str) -> str:
    return os.readlink(f"/proc/self/ns/{name}")


def inside(minidocker: Callable, *options: str, script: str) -> str:
    done = minidocker("run", "--rm", *options, "base", "sh", "-c", script)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_names(minidocker: Callable, host_unchanged: None) -> None:
    before = Path("/proc/sys/kernel/domainname").read_text()
    script = "hostname; cat /proc/sys/kernel/domainname"
    seen = inside(minidocker, "-h", "box", "--domainname", "lab.example", script=script)
    assert seen.split() == ["box", "lab.example"]
    assert Path("/proc/sys/kernel/domainname").read_text() == before


@pytest.mark.parametrize("offset", ["864000", "-60"])
def test_boot_clock_moves_and_the_time_of_day_does_not(minidocker: Callable, offset: str) -> None:
    if not os.path.exists("/proc/self/timens_offsets"):
        pytest.skip("blocked: this kernel has no time namespace (5.6)")
    uptime, today, namespace = inside(
        minidocker, "--boottime-offset", offset,
        script="cut -d. -f1 /proc/uptime; date +%s; readlink /proc/self/ns/time",
    ).split()  # fmt: skip
    assert abs(int(uptime) - time.clock_gettime(time.CLOCK_BOOTTIME) - int(offset)) < 10
    assert abs(int(today) - time.time()) < 10
    assert namespace != own("time")


def test_the_clock_is_the_hosts_unless_asked(minidocker: Callable) -> None:
    assert inside(minidocker, script="readlink /proc/self/ns/time") == own("time")


def test_a_clock_below_zero_is_refused(minidocker: Callable, host_unchanged: None) -> None:
    done = minidocker("run", "--rm", "--boottime-offset", "-9999999999", "base", "true")
    assert done.returncode == 125
    assert "ERANGE" in done.stderr
    assert "below zero" in done.stderr


@pytest.mark.parametrize("option", ["ipc", "uts", "pid", "network"])
def test_host_is_no_wall(minidocker: Callable, option: str, host_unchanged: None) -> None:
    name = KINDS.get(option, option)
    assert inside(minidocker, f"--{option}", "host", script=f"readlink /proc/self/ns/{name}") == own(name)  # fmt: skip
    private = "none" if option == "network" else "private"
    assert inside(minidocker, f"--{option}", private, script=f"readlink /proc/self/ns/{name}") != own(name)  # fmt: skip


def test_ipc_host_shows_the_hosts_shared_memory(minidocker: Callable) -> None:
    file = Path(f"/dev/shm/minidocker-{os.getpid()}")
    file.write_text("of the host")
    try:
        assert inside(minidocker, "--ipc", "host", script=f"cat {file}") == "of the host"
        assert inside(minidocker, script="ls -A /dev/shm") == ""
    finally:
        file.unlink()


@pytest.mark.parametrize("option", ["ipc", "pid", "network"])
def test_join_a_container(minidocker: Callable, neighbour: tuple, option: str) -> None:
    name, _ = neighbour
    theirs = KINDS[option]
    seen = inside(
        minidocker, f"--{option}", f"container:{name}",
        script="for n in ipc pid net; do readlink /proc/self/ns/$n; done",
    ).split()  # fmt: skip
    again = inside(
        minidocker, f"--{option}", f"container:{name}", script=f"readlink /proc/self/ns/{theirs}"
    )
    shared = [line for line in seen if line.startswith(theirs)]
    assert shared == [again]
    assert not set(seen) & {own(n) for n in KINDS.values()}


def test_join_shared_memory(minidocker: Callable, neighbour: tuple, host_unchanged: None) -> None:
    name, _ = neighbour
    script = "cat /dev/shm/note; echo changed > /dev/shm/note"
    assert inside(minidocker, "--ipc", f"container:{name}", script=script) == "secret"
    assert inside(minidocker, "--ipc", f"container:{name}", script="cat /dev/shm/note") == "changed"
    assert inside(minidocker, script="ls -A /dev/shm") == ""


def test_join_processes(minidocker: Callable, neighbour: tuple) -> None:
    name, _ = neighbour
    ps = inside(minidocker, "--pid", f"container:{name}", script="ps -o pid,comm; echo I am $$")
    rows = [line.split() for line in ps.splitlines()]
    assert rows[1] == ["1", "sleep"]
    assert int(rows[-1][-1]) > 1


def test_who_joins_processes_ends_with_them(
    minidocker: Callable, neighbour: tuple, command: list[str], shared_store: Path
) -> None:
    name, starter = neighbour
    guest = subprocess.Popen(
        [*command, "run", "--rm", "--pid", f"container:{name}", "base", "sh", "-c",
         "echo up; sleep 60"],
        env={**os.environ, "MINIDOCKER_ROOT": str(shared_store)}, text=True, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert guest.stdout
    assert guest.stdout.readline() == "up\n"
    starter.kill()  # its process 1 dies with it, and so does everybody in the namespace
    assert guest.wait(10) == 137
    guest.communicate()


@pytest.mark.parametrize("killed", [False, True])
def test_nothing_of_a_container_outlives_it_in_the_hosts_processes(
    minidocker: Callable, command: list[str], shared_store: Path, killed: bool
) -> None:
    """A pid namespace would end it, and on machines without it a cgroup; here there is neither."""
    number = 100_000 + int.from_bytes(os.urandom(3))
    script = f"setsid sleep {number} >/dev/null 2>&1 & echo up; {'sleep 60' if killed else ''}"
    starter = subprocess.Popen(
        [*command, "run", "--rm", "--pid", "host", "--network", "none", "base", "sh", "-c", script],
        text=True, env={**os.environ, "MINIDOCKER_ROOT": str(shared_store)}, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert starter.stdout
    assert starter.stdout.readline() == "up\n"
    if killed:
        starter.kill()
    assert starter.wait(60) == (-signal.SIGKILL if killed else 0)
    if killed:
        assert minidocker("prune").returncode == 0
    end = time.monotonic() + 20
    while (left := with_words(f"sleep\0{number}")) and time.monotonic() < end:
        time.sleep(0.02)  # a process that is killed ends a moment later
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left


def with_words(words: str) -> list[int]:
    """Processes with these words in their command line."""
    found = []
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            if words in Path(f"/proc/{pid}/cmdline").read_text(errors="replace"):
                found.append(int(pid))
        except OSError:
            continue
    return found


def test_join_everything_at_once(minidocker: Callable, neighbour: tuple) -> None:
    name, _ = neighbour
    modes = [word for option in KINDS for word in (f"--{option}", f"container:{name}")]
    seen = inside(
        minidocker, *modes, "--boottime-offset", "5", script="cat /dev/shm/note; ps | wc -l"
    )
    assert seen.split()[0] == "secret"


def test_a_container_that_is_gone(minidocker: Callable, host_unchanged: None) -> None:
    done = minidocker("run", "--rm", "--ipc", "container:nobody", "base", "true")
    assert (done.returncode, "no container nobody" in done.stderr) == (125, True)
    assert minidocker("run", "--name", "ended-1", "base", "true").returncode == 0
    done = minidocker("run", "--rm", "--pid", "container:ended-1", "base", "true")
    assert (done.returncode, "is not running" in done.stderr) == (125, True)
    assert "Traceback" not in done.stderr
    minidocker("rm", "ended-1")


def test_shm_size(minidocker: Callable) -> None:
    script = "df -k /dev/shm | tail -1; stat -c %a /dev/shm; grep /dev/shm /proc/self/mountinfo"
    seen = inside(minidocker, "--shm-size", "8m", script=script).split()
    assert seen[1] == "8192"
    assert "1777" in seen
    assert "rw,nosuid,nodev,noexec,relatime" in seen


@pytest.mark.parametrize(
    "options",
    [
        ["--ipc", "bogus"], ["--ipc", "container:"], ["--uts", "container:x"],
        ["--network", "container:"], ["--uts", "host", "--hostname", "x"],
        ["--uts", "host", "--domainname", "x"], ["--pid", "host", "--init"],
        ["--ipc", "host", "--shm-size", "1m"], ["--domainname", "x" * 65],
        ["--boottime-offset", "soon"], ["--boottime-offset", "1.5"], ["--shm-size", "much"],
        ["--stages", "pid", "--boottime-offset", "5"], ["--stages", "pid", "--ipc", "container:x"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_wrong_options(minidocker: Callable, options: list[str]) -> None:
    done = minidocker("run", "--rm", "--dry-run", *options, "base", "true")
    assert done.returncode == 125
    assert "  try: " in done.stderr
    assert len(done.stderr.splitlines()) == 2


def test_explain_tells_the_joining(minidocker: Callable, neighbour: tuple) -> None:
    name, _ = neighbour
    done = minidocker(
        "run", "--rm", "--explain", "--ipc", f"container:{name}", "--boottime-offset", "5", "base",
        "true",
    )  # fmt: skip
    for call in (
        "unshare(CLONE_NEWTIME)", 'write("/proc/self/timens_offsets"', "CLONE_NEWIPC)",
        'open_tree(', "move_mount(",
    ):  # fmt: skip
        assert call in done.stderr, call
    clone = next(line for line in done.stderr.splitlines() if "clone3(" in line)
    assert "CLONE_NEWIPC" not in clone
    assert "CLONE_NEWTIME" not in clone


def test_dry_run_joins_nothing(minidocker: Callable) -> None:
    done = minidocker(
        "run", "--dry-run", "--ipc", "container:any", "--boottime-offset", "5", "base", "true"
    )
    assert done.returncode == 0, done.stderr
    assert "unshare(CLONE_NEWTIME)" in done.stdout + done.stderr


def test_learners_parts_serve(minidocker: Callable, tmp_path: Path) -> None:
    """set_hostname of lesson 00 serves until set_names is there; each answer is looked at."""
    first, later = tmp_path / "first.py", tmp_path / "later.py"
    first.write_text("def set_hostname(kernel, name):\n    kernel.sethostname('first-' + name)\n")
    later.write_text(
        "def set_names(kernel, hostname, domainname):\n    kernel.sethostname('later-' + hostname)\n"
        "def ipc_namespace(mode):\n    return 0, ''\n"
        "def set_boot_offset(kernel, seconds):\n    kernel.unshare(0x80)\n"
    )
    assert inside(minidocker, "-h", "x", "--stage", f"uts={first}", script="hostname") == "first-x"
    both = ["--stage", f"uts={first}", "--stage", f"uts={later}"]
    assert inside(minidocker, "-h", "x", *both, script="hostname") == "later-x"
    options = ["--stage", f"ipc={later}", "--ipc"]
    assert minidocker("run", "--rm", *options, "host", "base", "true").returncode == 0
    done = minidocker("run", "--rm", "--stage", f"ipc={later}", "base", "true")
    assert done.returncode == 125
    assert "ipc_namespace" in done.stderr
    script = "readlink /proc/self/ns/time; cat /proc/uptime"
    seen = inside(
        minidocker, "--stage", f"time={later}", "--boottime-offset", "9999", script=script
    )
    assert seen.split()[0] != own("time")
