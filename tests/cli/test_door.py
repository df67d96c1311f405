"""The door, docs/container_in_100_lines.py, run for real: by root, and by an ordinary user.

Whatever the program does, it cannot hurt this machine: it runs on a *toy host*, a mount namespace
whose root is an overlay that is thrown away, with file systems of its own at /home, /srv/disk and
below the learner's home, and with device nodes of its own. All of it is compared before and after,
from outside the box: what has come into the overlay, the other file systems, nodes, mounts, the name.
"""

from __future__ import annotations

import ast
import contextlib
import io
import os
import re
import signal
import subprocess
import sys
import termios
import time
import tokenize
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from minidocker.stages import STAGES

pexpect = pytest.importorskip("pexpect")

REPOSITORY = Path(__file__).resolve().parents[2]
DOOR = REPOSITORY / "docs/container_in_100_lines.py"
SOURCE = DOOR.read_text(encoding="utf-8")
UIDS = {"root": 0, "an ordinary user": 54321}
PYTHON = os.path.realpath(sys.executable)  # a virtual environment may be closed to others
UNHURT = "the toy host is unhurt"
real = pytest.mark.needs("root", "mntns", "pidns", "userns", "overlay")

# $1 is an empty directory, $2 the door, $3 the user's number, $4 a script for root, for when the
# toy host stands. The rest is the command.
TOY_HOST = r"""
set -e
toy=$1 door=$2 uid=$3 also=$4
shift 4
mount -t tmpfs toy "$toy"
mkdir "$toy/up" "$toy/work" "$toy/root"
mount -t overlay toy -o "lowerdir=/,upperdir=$toy/up,workdir=$toy/work" "$toy/root"
cp "$door" "$toy/root/srv/door.py"
cd "$toy/root"
mkdir -p old srv/disk home tmp mnt
mount --bind "$toy" mnt
mount --rbind /sys sys
mount -t proc proc proc
mount -t tmpfs dev dev
for node in null:3 zero:5 full:7 random:8 urandom:9; do
    mknod -m 666 "dev/${node%:*}" c 1 "${node#*:}"
done
mknod -m 666 dev/tty c 5 0
mknod -m 666 dev/sda b 7 99
pivot_root . old
cd /
umount -l old
for place in old home srv/disk tmp; do mount -t tmpfs toy $place; done
mkdir -p home/learner/docs/deep home/learner/usb "home/learner/a, b:c/usb"
echo mine > home/learner/docs/deep/letter
echo mine > home/learner/.profile
for place in "home/learner/usb" "home/learner/a, b:c/usb"; do mount -t tmpfs usb "$place"; done
for place in tmp srv/disk home/learner/usb "home/learner/a, b:c/usb"; do
    mkdir "$place/folder"
    echo canary > "$place/folder/canary"
    chmod 1777 "$place"
    chown -R $uid:$uid "$place/folder"
done
chown -R $uid:$uid home/learner
mount --make-rshared /
first=
eval "$also"
look() {
    find /mnt/up /home /srv/disk /tmp -printf '%p %y %s %m %U %G %C@ %l\n'
    find /home /srv/disk /tmp -type f -exec grep -H . {} +
    ls -ln /dev
    cat /proc/self/mountinfo
    hostname
    ls -d /sys/fs/cgroup/minidocker-door
}
set +e
look > /old/before 2>&1
become=
[ $uid = 0 ] || become="setpriv --reuid $uid --regid $uid --clear-groups"
$first $become env -i HOME=/home/learner PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb "$@"
code=$?
look > /old/after 2>&1
diff /old/before /old/after >&2 && echo "the toy host is unhurt" >&2
exit $code
"""

Toy = Callable[..., "subprocess.CompletedProcess[str]"]


def on_toy_host(place: Path, who: str, *words: str, also: str = ":") -> list[str]:
    """The command line that does `words` on a toy host."""
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", TOY_HOST, "sh",
            str(place), str(DOOR), str(UIDS[who]), also, *words]  # fmt: skip


DOOR_THERE = (PYTHON, "-I", "/srv/door.py")


@pytest.fixture(params=list(UIDS))
def who(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def toy(who: str, tmp_path: Path) -> Toy:
    """Run a command on a toy host; by default the door, with these words."""

    def run(*words: str, start: tuple[str, ...] = DOOR_THERE, stdin: str = "", also: str = ":",
            ) -> subprocess.CompletedProcess[str]:  # fmt: skip
        return subprocess.run(
            on_toy_host(tmp_path, who, *start, *words, also=also), input=stdin,
            capture_output=True, text=True, timeout=120, cwd="/",
        )  # fmt: skip

    return run


def box(toy: Toy, script: str, **more: str) -> str:
    """Do a shell script in the box; return what it prints. The toy host is the same afterwards."""
    done = toy("sh", "-c", script, **more)
    assert UNHURT in done.stderr, done.stderr
    assert done.returncode == 0, done.stderr
    return done.stdout


# --- the text: the first code that a newcomer reads -------------------------------------------


def code_lines() -> set[int]:
    """The lines that hold code: no comment, no docstring, not blank."""
    nothing = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
               tokenize.ENDMARKER}  # fmt: skip
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(SOURCE).readline):
        if token.type not in nothing:
            lines |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(SOURCE)):
        if isinstance(node, ast.Module | ast.FunctionDef) and ast.get_docstring(node):
            first = node.body[0]
            lines -= set(range(first.lineno, (first.end_lineno or 0) + 1))
    return lines


def test_it_is_short() -> None:
    assert len(code_lines()) <= 110
    assert len(SOURCE.splitlines()) <= 160
    assert max(map(len, SOURCE.splitlines())) <= 100


def test_it_imports_nothing_that_must_be_installed() -> None:
    for node in ast.walk(ast.parse(SOURCE)):
        assert not isinstance(node, ast.ImportFrom)
        if isinstance(node, ast.Import):
            assert {name.name for name in node.names} <= sys.stdlib_module_names
    # Windows has all of these; what it lacks would be a traceback instead of a sentence
    assert not re.search(r"^import (fcntl|termios|pwd|grp|resource|pty|tty)$", SOURCE, re.MULTILINE)


def test_its_steps_come_in_the_order_of_the_stages() -> None:
    """But for the cgroup, which a run makes outside, before the child exists."""
    order = [stage.name for stage in STAGES]
    heads = re.findall(r"^    # ([a-z_, ]+): ", SOURCE, re.MULTILINE)
    steps = [name for head in heads for name in head.split(", ")]
    assert {"user", "propagation", "layers", "mounts", "devices", "cgroup", "rootfs", "uts",
            "network", "no_new_privs", "capabilities"} <= set(steps) <= set(order)  # fmt: skip
    told = [order.index(name) for name in steps if name != "cgroup"]
    assert told == sorted(told)


def test_every_function_says_what_it_does() -> None:
    for node in ast.walk(ast.parse(SOURCE)):
        if isinstance(node, ast.FunctionDef):
            assert ast.get_docstring(node), node.name


def test_an_old_python_shows_the_line_that_says_so() -> None:
    """Before 3.6, an f-string is a SyntaxError: the first one is shown, so it says what is needed."""
    first = min(n.lineno for n in ast.walk(ast.parse(SOURCE)) if isinstance(n, ast.JoinedStr))
    assert "Python 3.6 or newer" in SOURCE.splitlines()[first - 1]
    assert SOURCE.isascii()  # Python 2 would complain about that instead
    ast.parse(SOURCE, feature_version=(3, 6))


def test_elsewhere_it_is_one_sentence() -> None:
    """On a system without Linux's parts of `os`, and without what ctypes finds there."""
    pretend = (
        "import os, sys, runpy; sys.platform = 'win32'; del os.geteuid, os.uname\n"
        f"runpy.run_path({str(DOOR)!r}, run_name='__main__')"
    )
    done = subprocess.run([PYTHON, "-c", pretend], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "Linux" in done.stderr and "win32" in done.stderr


def test_help_teaches() -> None:
    done = subprocess.run([PYTHON, DOOR, "--help"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0
    assert "A container is an ordinary process" in done.stdout and "COMMAND" in done.stdout


def test_it_is_the_first_thing_in_the_readme_and_in_notebook_00() -> None:
    command = "python3 docs/container_in_100_lines.py"
    lines = [line for line in (REPOSITORY / "README.md").read_text().splitlines() if line]
    assert lines[0].startswith("# ")
    assert command in lines[1]
    notebook = next((REPOSITORY / "notebooks").glob("00_*.ipynb")).read_text()
    assert command in notebook and "(../docs/container_in_100_lines.py)" in notebook


# --- what is seen inside ----------------------------------------------------------------------


@real
def test_inside_is_root_and_process_1_of_a_machine_called_box(toy: Toy) -> None:
    script = "id -u; id -g; hostname; echo $$; echo /proc/[0-9]*; pwd; echo $HOME"
    assert box(toy, script).splitlines() == ["0", "0", "box", "1", "/proc/1", "/", "/home/learner"]


@real
def test_its_files_are_the_learners_own(toy: Toy) -> None:
    """Also those of other file systems; but for /tmp, which is empty here."""
    script = "cat ~/docs/deep/letter ~/.profile ~/usb/folder/canary /srv/disk/folder/canary"
    assert box(toy, script).split() == ["mine"] * 2 + ["canary"] * 2
    assert box(toy, "ls -A /tmp").split() == []


@real
@pytest.mark.parametrize(
    ("words", "status"),
    [(["true"], 0), (["sh", "-c", "exit 7"], 7), (["sh", "-c", "sh -c 'kill -9 $$'; exit $?"], 137),
     (["no-such-command"], 127), (["/etc/passwd"], 126)],
)  # fmt: skip
def test_the_status_is_the_commands(toy: Toy, words: list[str], status: int) -> None:
    done = toy(*words)
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    assert UNHURT in done.stderr and "Traceback" not in done.stderr


@real
def test_without_a_terminal_commands_come_from_standard_input(toy: Toy) -> None:
    done = toy(stdin="echo $$\nyes | head -1\nrm /etc/passwd\nls /etc/passwd\nexit 5\n")
    assert (done.stdout, done.returncode) == ("1\ny\n", 5)
    assert "In the box, /etc/passwd was gone." in done.stderr
    assert "Outside, checked now, it is as it was." in done.stderr
    assert "make learn" in done.stderr and UNHURT in done.stderr
    assert "Broken pipe" not in done.stderr  # Python ignores SIGPIPE, and passes that on


@real
def test_the_end_is_looked_at_and_not_just_said(toy: Toy) -> None:
    """While the box runs, somebody else changes /etc/passwd outside; the door must see that."""
    start = ("sh", "-c", "(sleep 1; echo x >> /srv/etc/passwd) & " + '"$@"; wait', "sh", *DOOR_THERE)
    done = toy("sleep", "2", start=start, also="mkdir /srv/etc; cp /etc/passwd /srv/etc; "
               "mount --bind /srv/etc/passwd /etc/passwd; chmod 666 /srv/etc/passwd")  # fmt: skip
    assert "it HAS CHANGED." in done.stderr and UNHURT not in done.stderr
    assert "In the box, /etc/passwd was still there." in done.stderr


# --- nothing can be hurt ----------------------------------------------------------------------


@real
def test_all_can_be_removed_and_nothing_is_gone_outside(toy: Toy, who: str) -> None:
    """Also what lies on file systems of its own. What a user may not remove says so, and stays."""
    places = '~ /home /srv /etc /tmp /boot /media /mnt /opt "/home/learner/a, b:c"'
    if who == "root":
        places += " /usr/sbin /usr/bin /var/log"
    done = toy("sh", "-c", f"rm -rf {places} 2>/dev/null; echo /home/* /srv/*; : > /etc/passwd")
    assert UNHURT in done.stderr, done.stderr
    # Mount points stay, as everywhere, and so do the folders above them
    assert "docs" not in box(toy, "rm -rf ~/docs/* ~/usb/* ~/.profile; find ~ -type f; ls -A ~/docs")


@real
def test_a_whole_home_of_one_file_system_goes(toy: Toy) -> None:
    also = 'umount -l /home/learner/usb "/home/learner/a, b:c/usb"'
    assert box(toy, "rm -rf ~ && ls /home", also=also) == ""


@real
def test_every_place_that_can_be_written_is_the_boxs_own(toy: Toy) -> None:
    """Writable mounts are overlays, but for the root: a file system in memory, the box's own."""
    for line in box(toy, "cat /proc/self/mountinfo").splitlines():
        place, flags, (kind, source) = (
            line.split()[4], line.split()[5].split(","), line.partition(" - ")[2].split()[:2]
        )  # fmt: skip
        if "rw" in flags:
            assert (kind, source) == ("overlay", "overlay") or (place, kind) == ("/", "tmpfs"), line
            assert {"nosuid", "nodev"} <= set(flags), line
        assert "shared:" not in line and "master:" not in line, line


@real
def test_the_machine_is_out_of_reach(toy: Toy) -> None:
    """Each of these would be a change of the host; each must fail in the box."""
    attempts = [
        "echo b > /proc/sysrq-trigger", "echo x > /proc/sys/kernel/core_pattern",
        "echo 1 > /proc/sys/vm/drop_caches", "chmod 0 /dev/null", "chown 7 /dev/zero",
        "touch /dev/full", "rm /dev/null", "mknod /dev/disk b 7 99", "mount -t tmpfs t /srv",
        "mount -o remount,rw /proc", "mount -o remount,rw /dev/null", "umount /proc", "umount /etc",
        "hostname other", "date -s 2001-01-01", "unshare --user true", "unshare --mount true",
        "unshare --net true", "chroot / true", "renice -n -5 1", "dmesg -c", "ip link set lo down",
        "setpriv --inh-caps +sys_admin true", "setpriv --reuid 7 true", "cat /proc/kcore", "ls /sys | grep .",
        "test -e /dev/sda", "test -e /dev/kmsg", "test -e /dev/pts/0", "test -e /box",
    ]  # fmt: skip
    script = "".join(f"({attempt}) >/dev/null 2>&1 && echo '{attempt}'\n" for attempt in attempts)
    assert box(toy, script + "true") == ""


@real
def test_its_power_is_over_its_files_only(toy: Toy) -> None:
    lines = box(toy, "cat /proc/self/status").splitlines()
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    kept = 0b11011  # chown, dac_override, fowner, fsetid
    assert int(status["CapPrm"], 16) == int(status["CapEff"], 16) == kept
    assert int(status["CapInh"], 16) == int(status["CapAmb"], 16) == 0
    assert status["NoNewPrivs"] == "1"


@real
def test_its_dev_has_six_nodes_that_work(toy: Toy) -> None:
    script = "ls /dev; echo x > /dev/null; head -c 3 /dev/zero /dev/urandom | wc -c"
    *names, size = box(toy, script).split()
    assert names == ["full", "null", "random", "tty", "urandom", "zero"] and int(size) > 6


@real
def test_its_network_is_a_loopback_that_is_up(toy: Toy) -> None:
    script = (
        "import socket; print(socket.if_nameindex()); s = socket.create_server(('127.0.0.1', 0));"
        "socket.create_connection(s.getsockname()); print(s.accept()[1][0])"
    )
    assert box(toy, f'{PYTHON} -c "{script}"').splitlines() == ["[(1, 'lo')]", "127.0.0.1"]


@real
def test_a_socket_of_the_hosts_leads_nowhere(toy: Toy, who: str) -> None:
    """Docker's socket would be a way out; a file system that is under an overlay has none."""
    serve = (
        "import socket, time; s = socket.socket(socket.AF_UNIX); s.bind('/home/learner/docs/sock');"
        "s.listen(); time.sleep(2)"
    )
    knock = "import socket; socket.socket(socket.AF_UNIX).connect('/home/learner/docs/sock')"
    script = f'{PYTHON} -c "{serve}" & sleep 0.5; {PYTHON} -c "{knock}" && echo open; "$@"; wait'
    done = toy(PYTHON, "-c", knock, start=("sh", "-c", script, "sh", *DOOR_THERE))
    assert done.stdout == "open\n"
    assert "ConnectionRefusedError" in done.stderr, who


@real
def test_what_the_caller_had_open_stays_outside(toy: Toy) -> None:
    start = ("sh", "-c", 'exec 7< / 8> /dev/full; exec "$@"', "sh", *DOOR_THERE)
    assert box(toy, "ls /proc/$$/fd; true", start=start).split() == ["0", "1", "2"]


@real
def test_nothing_is_imported_once_the_root_has_changed(toy: Toy) -> None:
    """Else what stands in the box would run with all rights, or the library be out of sight."""
    watch = (
        "import os, runpy, sys; chroot, inside = os.chroot, []\n"
        "os.chroot = lambda path: (chroot(path), inside.append(sys.modules.pop('warnings', 0)))\n"
        "def hook(event, args):\n"
        "    if inside and event == 'import': os.write(2, b'imported ' + args[0].encode())\n"
        "sys.addaudithook(hook)\n"
        "sys.argv[1:] = ['true']; runpy.run_path('/srv/door.py', run_name='__main__')"
    )
    done = toy(start=(PYTHON, "-I", "-c", watch))
    assert done.returncode == 0 and UNHURT in done.stderr and "imported" not in done.stderr, done


@real
def test_kill_0_stays_inside(toy: Toy) -> None:
    done = toy("sh", "-c", "kill -9 0; echo lives")
    assert UNHURT in done.stderr  # said by a process of the door's own process group
    assert done.returncode in (0, 137)


@real
def test_a_fork_bomb_of_a_user_is_small(toy: Toy, who: str) -> None:
    if who == "root":
        pytest.skip("for root only a cgroup helps, and the next test asks for that")
    bomb = (
        "import os, signal, time; n = 0\n"
        "try:\n while n < 4000:\n  n += 1\n  if not os.fork(): time.sleep(99)\n"
        "except OSError as problem: print(n, problem.strerror, flush=True)\n"
    )
    done = toy(PYTHON, "-c", bomb)
    number, _, said = done.stdout.partition(" ")
    assert 100 < int(number) < 3000 and "temporarily unavailable" in said, done
    assert UNHURT in done.stderr


@pytest.mark.needs("root", "overlay", "cgroup2", "pids", "memory")
def test_a_cgroup_limits_root_and_is_gone_afterwards(tmp_path: Path) -> None:
    group = Path("/sys/fs/cgroup/minidocker-door")
    done = subprocess.run(
        [PYTHON, DOOR, "sh", "-c", "cat /proc/self/cgroup; (for i in $(seq 400); do sleep 60 & done); "
         "ls -d /proc/[0-9]* | wc -l; kill -9 -1"],
        capture_output=True, text=True, timeout=60, cwd=tmp_path,
    )  # fmt: skip
    assert "minidocker-door" in done.stdout
    assert int(done.stdout.split()[-1]) <= 256
    assert not group.exists()


@real
def test_without_a_cgroup_it_says_so_and_makes_nothing(toy: Toy) -> None:
    done = toy(also="umount -l /sys; mount -t tmpfs sys /sys; mkdir -p /sys/fs/cgroup")
    assert "(cgroup: none)" in done.stderr and UNHURT in done.stderr


# --- its end, however it comes ----------------------------------------------------------------


def descendants(pid: int) -> list[int]:
    """The processes below another one, from the children down."""
    with contextlib.suppress(OSError):
        found = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return found + [below for child in found for below in descendants(child)]
    return []


@contextlib.contextmanager
def running(place: Path, who: str) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A box whose command sleeps; yields the toy host's process, and those of the door and below."""
    process = subprocess.Popen(
        on_toy_host(place, who, *DOOR_THERE, "sh", "-c", "sleep 300 & echo up; sleep 300; exit 9"),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/",
    )  # fmt: skip
    assert process.stdout
    try:
        assert process.stdout.readline() == "up\n", process.communicate()
        pids = descendants(process.pid)
        while len(pids) < 4:  # the door, process 1, and two that sleep
            time.sleep(0.05)
            pids = descendants(process.pid)
        yield process, pids
    finally:
        process.kill()
        process.communicate()


def numbers(pid: int) -> list[int]:
    """A process's number, and those in the pid namespaces below."""
    status = Path(f"/proc/{pid}/status").read_text()
    return [int(word) for word in status.partition("NSpid:")[2].partition("\n")[0].split()]


def ended(pids: list[int]) -> bool:
    """Whether all these processes end soon."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        states = []
        for pid in pids:
            with contextlib.suppress(OSError):
                states.append(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0])
        if not set(states) - {"Z", "X"}:
            return True
        time.sleep(0.05)
    return False


@real
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_when_the_door_is_killed_nothing_is_left(who: str, tmp_path: Path, number: int) -> None:
    with running(tmp_path, who) as (process, pids):
        os.kill(pids[0], number)
        assert ended(pids)
        _, told = process.communicate(timeout=60)
        assert UNHURT in told and process.returncode == 128 + number


@real
def test_when_process_1_is_killed_the_door_says_so(who: str, tmp_path: Path) -> None:
    with running(tmp_path, who) as (process, pids):
        os.kill(pids[1], signal.SIGKILL)
        assert ended(pids)
        _, told = process.communicate(timeout=60)
        assert UNHURT in told and "it is as it was" in told and process.returncode == 137


@real
def test_an_ordinary_child_that_is_killed_ends_nothing(who: str, tmp_path: Path) -> None:
    with running(tmp_path, who) as (process, pids):
        for pid in pids[2:]:
            os.kill(pid, signal.SIGKILL)
        _, told = process.communicate(timeout=60)
        assert UNHURT in told and process.returncode == 9


# --- a person at a terminal -------------------------------------------------------------------


@pytest.fixture
def person(who: str, tmp_path: Path) -> Iterator[pexpect.spawn]:
    session = pexpect.spawn(
        "sh", ["-c", 'stty -a > /dev/null; "$@"; echo "status $?"; read answer; echo "got $answer"',
               "sh", *on_toy_host(tmp_path, who, *DOOR_THERE)],
        encoding="utf-8", timeout=20, cwd="/", dimensions=(40, 200),
    )  # fmt: skip
    session.before_box = termios.tcgetattr(session.child_fd)
    session.expect("box # ")
    yield session
    session.close(force=True)


def do(session: pexpect.spawn, line: str) -> str:
    """Type a line at the prompt; return what is printed up to the next prompt."""
    session.sendline(line)
    session.expect("box # ")
    return re.sub(r"\x1b\[\?2004[hl]", "", session.before).replace("\r", "").partition("\n")[2]


def leave(session: pexpect.spawn) -> None:
    """After the box: the terminal is as before, and its owner can read from it."""
    session.expect(r"status \d+")
    assert termios.tcgetattr(session.child_fd) == session.before_box
    session.sendline("hello")
    session.expect("got hello")


@real
def test_a_newcomer_does_what_is_suggested(person: pexpect.spawn) -> None:
    greeting = person.before
    for suggestion in ("echo $$", "ps", "rm /etc/passwd", "exit"):
        assert suggestion in greeting
    assert do(person, "echo $$").strip() == "1"
    assert len(do(person, "ps").strip().splitlines()) == 3  # the head, the shell, ps itself
    do(person, "rm /etc/passwd")
    assert "No such file" in do(person, "ls /etc/passwd")
    person.sendline("exit 3")
    person.expect("In the box, /etc/passwd was gone. Outside, checked now, it is as it was.")
    person.expect("make learn")
    person.expect(UNHURT)
    leave(person)


@real
def test_ctrl_c_and_ctrl_z_work_as_in_a_shell(person: pexpect.spawn) -> None:
    person.sendline("echo begin; sleep 300")
    person.expect("begin\r\n")
    time.sleep(0.3)
    person.sendintr()
    person.expect("box # ")
    assert do(person, "echo $?").strip() == "130"
    person.sendline("echo begin; sleep 300")
    person.expect("begin\r\n")
    time.sleep(0.3)
    person.send("\x1a")
    person.expect("Stopped")
    person.expect("box # ")
    person.sendline("fg")
    person.expect("fg\r\n.*sleep 300\r\n")
    time.sleep(0.3)
    person.sendintr()
    person.expect("box # ")
    assert do(person, "jobs").strip() == ""
    person.sendline("exit 0")
    leave(person)


@real
def test_a_shell_that_is_killed_leaves_the_terminal_sane(person: pexpect.spawn) -> None:
    """At its prompt, bash has switched echo off; nobody but the door can switch it on again."""
    end = time.monotonic() + 30
    while termios.tcgetattr(person.child_fd)[3] & termios.ECHO:
        assert time.monotonic() < end
        time.sleep(0.02)
    shell = next(pid for pid in descendants(person.pid) if numbers(pid)[1:] == [1])
    os.kill(shell, signal.SIGKILL)
    person.expect("status 137")
    assert termios.tcgetattr(person.child_fd)[3] & termios.ECHO
    assert termios.tcgetattr(person.child_fd)[3] & termios.ICANON
    person.sendline("hello")
    person.expect("got hello")


# --- where it cannot be -----------------------------------------------------------------------

SETTINGS = {
    "kernel.unprivileged_userns_clone": "0",
    "user.max_user_namespaces": "0",
    "kernel.apparmor_restrict_unprivileged_userns": "1",
}
# In a chroot, the kernel lets nobody make a user namespace: the refusal is real, the setting is not.
CHROOT = "mkdir /old/other; mount --rbind / /old/other; first='chroot /old/other'"


def one_sentence(done: subprocess.CompletedProcess[str]) -> str:
    """What was said; one line, and nothing of Python's."""
    said = [line for line in done.stderr.splitlines() if line != UNHURT]
    assert done.returncode == 1 and len(said) == 1 and UNHURT in done.stderr, done.stderr
    assert len(said[0].split()) <= 25 and "Error" not in said[0]
    return said[0]


def on_a_toy(place: Path, who: str, also: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        on_toy_host(place, who, *DOOR_THERE, also=also), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=60, cwd="/",
    )  # fmt: skip


@real
@pytest.mark.parametrize("setting", list(SETTINGS))
def test_a_setting_that_forbids_it_is_named(tmp_path: Path, setting: str) -> None:
    folder, _, file = f"/proc/sys/{setting}".replace(".", "/").rpartition("/")
    pretend = f"mount -t tmpfs fake {folder}; echo {SETTINGS[setting]} > {folder}/{file}; {CHROOT}"
    said = one_sentence(on_a_toy(tmp_path, "an ordinary user", pretend))
    assert f"{setting}={SETTINGS[setting]}" in said and "sudo" in said


@real
def test_a_refusal_without_such_a_setting_is_a_sentence_too(tmp_path: Path) -> None:
    said = one_sentence(on_a_toy(tmp_path, "an ordinary user", CHROOT))
    assert "clone: Operation not permitted" in said and "container" in said


@real
def test_a_root_without_power_is_told_so(tmp_path: Path) -> None:
    """As in Docker: root, without CAP_SYS_ADMIN."""
    said = one_sentence(on_a_toy(tmp_path, "root", 'first="setpriv --bounding-set -sys_admin"'))
    assert "clone: Operation not permitted" in said and "container" in said


@real
def test_a_folder_that_is_gone_is_a_sentence_too(toy: Toy) -> None:
    start = ("sh", "-c", 'cd /tmp/folder; rm -r ../folder; exec "$@"', "sh", *DOOR_THERE)
    done = toy("true", start=start)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "No such file" in done.stderr.splitlines()[0]


@real
def test_no_overlay_is_one_sentence(tmp_path: Path) -> None:
    """The kernel stacks two overlays; the toy host is one, so here is no third."""
    deep = "mkdir /old/up /old/work /old/deep; mount -t overlay deep /old/deep " \
        "-o lowerdir=/,upperdir=/old/up,workdir=/old/work; mount --rbind /proc /old/deep/proc; " \
        "mount --rbind /dev /old/deep/dev; first='chroot /old/deep'"  # fmt: skip
    assert "sudo modprobe overlay" in one_sentence(on_a_toy(tmp_path, "root", deep))


@real
def test_each_python_at_hand_can_run_it(toy: Toy) -> None:
    """From 3.6 on; the tests' own is one of them."""
    tried = 0
    for name in {f"/usr/bin/python3.{minor}" for minor in range(6, 20)} | {PYTHON}:
        if os.path.exists(name):
            done = toy("sh", "-c", "echo $$", start=(name, "/srv/door.py"))
            assert (done.stdout, done.returncode) == ("1\n", 0), (name, done.stderr)
            tried += 1
    assert tried
