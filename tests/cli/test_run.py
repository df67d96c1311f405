"""`minidocker run`, the real command, on the real kernel."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest

pytestmark = pytest.mark.needs("root", "pidns", "mntns", "overlay")


@pytest.fixture
def store_env(shared_store: Path) -> dict[str, str]:
    return {**os.environ, "MINIDOCKER_ROOT": str(shared_store)}


@pytest.fixture
def started(command: list[str], store_env: dict[str, str]) -> Iterator[Callable]:
    """Start containers in the background; what still runs is ended."""
    processes: list[subprocess.Popen] = []

    def start(*args: str, **more: object) -> subprocess.Popen:
        process = subprocess.Popen(
            [*command, "run", *args], env=store_env, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, stdin=more.pop("stdin", subprocess.DEVNULL), **more,
        )  # fmt: skip
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def terminal(command: list[str], store_env: dict[str, str]) -> Iterator[Callable]:
    """Start a container on a pseudo-terminal, driven by pexpect."""
    children: list[pexpect.spawn] = []

    def spawn(*args: str) -> pexpect.spawn:
        child = pexpect.spawn(
            command[0], [*command[1:], "run", *args], env=store_env, encoding="utf-8", timeout=20,
            dimensions=(30, 100),
        )  # fmt: skip
        children.append(child)
        return child

    yield spawn
    for child in children:
        child.close(force=True)


# --- what is inside ----------------------------------------------------------------------


def test_ps_starts_at_one(minidocker: Callable, host_unchanged: None) -> None:
    done = minidocker("run", "--rm", "base", "ps", "-o", "pid,comm")
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines == [["PID", "COMMAND"], ["1", "ps"]]


def test_every_namespace_is_its_own(minidocker: Callable) -> None:
    done = minidocker(
        "run", "--rm", "base", "sh", "-c", "cd /proc/self/ns; for n in *; do readlink $n; done"
    )
    inside = dict(line.split(":") for line in done.stdout.split())
    for name in ("pid", "mnt", "uts", "ipc", "net", "cgroup"):
        assert inside[name] != os.readlink(f"/proc/self/ns/{name}").split(":")[1], name
    assert inside["user"] == os.readlink("/proc/self/ns/user").split(":")[1]


def test_no_mount_of_the_host_is_left(minidocker: Callable) -> None:
    done = minidocker("run", "--rm", "base", "cat", "/proc/self/mountinfo")
    points = [line.split()[4] for line in done.stdout.splitlines()]
    masks = [p for p in points if p.startswith(("/proc/", "/sys/f", "/sys/d", "/dev/")) and p not in
             ("/dev/pts", "/dev/mqueue", "/dev/shm", "/sys/fs/cgroup")]  # fmt: skip
    assert "/proc/sys" in masks and "/sys/firmware" in masks and "/dev/null" in masks
    assert [point for point in points if point not in masks] == [
        "/", "/proc", "/dev", "/dev/pts", "/dev/mqueue", "/dev/shm", "/sys",
        *(["/sys/fs/cgroup"] if os.path.exists("/sys/fs/cgroup/cgroup.controllers") else []),
        "/etc/hosts", "/etc/hostname", "/etc/resolv.conf",
    ]  # fmt: skip


def test_dev_has_its_nodes_and_modes(minidocker: Callable) -> None:
    script = "for n in null zero full random urandom tty; do stat -c '%n %a %t:%T' /dev/$n; done;" \
             "stat -c '%n %a' /dev/shm /dev/pts/ptmx /dev/mqueue; readlink /dev/fd; readlink /dev/ptmx"  # fmt: skip
    done = minidocker("run", "--rm", "base", "sh", "-c", script)
    assert done.stdout.splitlines() == [
        "/dev/null 666 1:3", "/dev/zero 666 1:5", "/dev/full 666 1:7", "/dev/random 666 1:8",
        "/dev/urandom 666 1:9", "/dev/tty 666 5:0", "/dev/shm 1777", "/dev/pts/ptmx 666",
        "/dev/mqueue 1777", "/proc/self/fd", "pts/ptmx",
    ]  # fmt: skip


def test_sys_is_read_only_and_loopback_is_up(minidocker: Callable) -> None:
    done = minidocker("run", "--rm", "base", "sh", "-c", "touch /sys/x; ls /sys/class/net; ip addr")
    assert "Read-only file system" in done.stderr
    assert "lo" in done.stdout.split()
    assert "127.0.0.1/8" in done.stdout
    assert "UP" in done.stdout


def test_etc_files_are_mounts_and_in_no_layer(minidocker: Callable, shared_store: Path) -> None:
    done = minidocker(
        "run", "--hostname", "box", "--name", "etc-files", "--network", "none", "base", "sh", "-c",
        "hostname; cat /etc/hostname; grep box /etc/hosts; sed -i s/box/x/ /etc/hosts; echo $?",
    )  # fmt: skip
    assert done.stdout.split()[:2] == ["box", "box"]
    assert "127.0.1.1" in done.stdout
    assert "busy" in done.stderr.lower()
    directory = (shared_store / "containers/names/etc-files").resolve()
    assert not any((directory / "upper/etc" / name).exists() for name in ("hosts", "hostname"))
    assert (shared_store / "init/etc/hosts").read_bytes() == b""
    assert minidocker("rm", "etc-files").returncode == 0
    assert not directory.exists()


def test_the_image_never_changes(minidocker: Callable, shared_store: Path) -> None:
    def everything() -> list[tuple]:
        files = sorted((shared_store / "layers").rglob("*"))
        return [
            (str(p), p.lstat().st_mode, p.lstat().st_mtime_ns, p.lstat().st_size) for p in files
        ]

    before = everything()
    script = "echo x > /etc/passwd; rm /bin/vi; chmod 700 /tmp; mkdir /new; touch /etc/group"
    assert minidocker("run", "--rm", "base", "sh", "-c", script).returncode == 0
    assert everything() == before
    assert (
        minidocker(
            "run", "--rm", "base", "sh", "-c", "test -e /bin/vi && ! test -e /new"
        ).returncode
        == 0
    )


# --- options -----------------------------------------------------------------------------


def test_variables(minidocker: Callable, tmp_path: Path) -> None:
    (tmp_path / "env").write_text("# comment\n\nFROM_FILE=1 2\nTWICE=file\n")
    done = minidocker(
        "run", "--rm", "--env-file", f"{tmp_path}/env", "-e", "TWICE=option", "-eMINE", "-e", "GONE",
        "base", "env", env={"MINE": "yes"},
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert {"FROM_FILE=1 2", "TWICE=option", "MINE=yes", "HOME=/root"} <= set(lines)
    assert not [line for line in lines if line.startswith(("GONE", "MINIDOCKER"))]


def test_workdir_is_made(minidocker: Callable) -> None:
    assert minidocker("run", "--rm", "-w", "/a/b", "base", "pwd").stdout == "/a/b\n"


def test_volumes(minidocker: Callable, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("data")
    done = minidocker(
        "run", "--rm", "-v", f"{tmp_path}:/rw", "-v", f"{tmp_path}:/ro:ro",
        "-v", f"{tmp_path}/f:/etc/one:ro", "base", "sh", "-c",
        "cat /etc/one; echo new > /rw/g; echo no > /ro/h; echo no > /etc/one",
    )  # fmt: skip
    assert done.stdout == "data"
    assert done.stderr.count("Read-only file system") == 2
    assert (tmp_path / "g").read_text() == "new\n"
    assert not (tmp_path / "h").exists()
    assert (tmp_path / "f").read_text() == "data"


def test_a_read_only_volume_is_so_below_too_and_the_host_stays_writable(
    command: list[str], store_env: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "below").mkdir()
    script = (
        f"mount -t tmpfs below {tmp_path}/below && touch {tmp_path}/below/seen && "
        f'"$@" run --rm -v {tmp_path}:/v:ro base sh -c "ls /v/below; echo x > /v/below/y"; '
        f"touch {tmp_path}/mine {tmp_path}/below/mine && echo writable"
    )
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "sh", *command], env=store_env, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.split() == ["seen", "writable"]
    assert "Read-only file system" in done.stderr


def test_a_link_in_the_image_leads_no_volume_outside(minidocker: Callable, tmp_path: Path) -> None:
    layer, canary, data = (tmp_path / name for name in ("layer", "canary", "data"))
    for directory in (layer, canary, data):
        directory.mkdir()
    (layer / "bin").mkdir()
    (layer / "link").symlink_to(canary)
    (data / "seen").touch()
    done = minidocker("run", "--rm", "--layer", str(layer), "-v", f"{data}:/link/x", "true")
    assert done.returncode in (125, 127)
    assert list(canary.iterdir()) == []


def test_tmpfs_and_read_only(minidocker: Callable) -> None:
    done = minidocker(
        "run", "--rm", "--read-only", "--tmpfs", "/t:size=1m", "base", "sh", "-c",
        "touch /x; touch /t/y /dev/shm/z && stat -f -c %T /t && echo x > /dev/null && echo fine",
    )  # fmt: skip
    assert "Read-only file system" in done.stderr
    assert done.stdout.split() == ["tmpfs", "fine"]


def test_user(minidocker: Callable) -> None:
    assert (
        "uid=1234 gid=99 groups=99"
        in minidocker("run", "--rm", "-u", "1234:99", "base", "id").stdout
    )
    done = minidocker("run", "--rm", "-u", "1234", "base", "grep", "Cap[PE]", "/proc/self/status")
    assert [line.split()[1] for line in done.stdout.splitlines()] == ["0" * 16] * 2


def test_entrypoint(minidocker: Callable) -> None:
    done = minidocker("run", "--rm", "--entrypoint", "echo", "base", "a", "b")
    assert done.stdout == "a b\n"


def test_rootfs_directory_is_used_as_it_is(
    minidocker: Callable, shared_store: Path, tmp_path: Path
) -> None:
    base = next((shared_store / "layers/sha256").glob("*/fs"))
    subprocess.run(["cp", "-a", f"{base}/.", str(tmp_path)], check=True)
    done = minidocker(
        "run", "--rm", "--rootfs", str(tmp_path), "sh", "-c", "echo x > /made; ls -d /proc/1"
    )
    assert done.stdout == "/proc/1\n"
    assert (tmp_path / "made").read_text() == "x\n"


def test_layers_shadow_each_other(minidocker: Callable, shared_store: Path, tmp_path: Path) -> None:
    base = next((shared_store / "layers/sha256").glob("*/fs"))
    odd = tmp_path / "odd: name, here\\x"
    odd.mkdir()
    (odd / "both").write_text("upper wins\n")
    (tmp_path / "low").mkdir()
    (tmp_path / "low/both").write_text("lower\n")
    done = minidocker(
        "run", "--rm", "--layer", str(base), "--layer", f"{tmp_path}/low", "--layer", str(odd),
        "cat", "/both",
    )  # fmt: skip
    assert done.stdout == "upper wins\n", done.stderr


def test_stages_build_up(minidocker: Callable) -> None:
    """Up to the pid namespace, /proc is still the host's: this test's own process is seen there."""
    here = os.readlink("/proc/self/ns/uts")
    look = f"echo $$; test -d /proc/{os.getpid()} && echo host; readlink /proc/self/ns/uts"
    done = minidocker("run", "--rm", "--stages", "pid", "sh", "-c", look)
    assert done.stdout.split() == ["1", "host", here]
    look = f"echo $$; test -d /proc/{os.getpid()} || echo own; cat /etc/hostname"
    done = minidocker("run", "--rm", "--stages", "..mounts", "sh", "-c", look)
    assert done.stdout.split() == ["1", "own", Path("/etc/hostname").read_text().strip()]


# --- how it ends -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "status"),
    [
        (("sh", "-c", "exit 7"), 7),
        (("sh", "-c", "sleep 9 & kill -9 $!; wait $!"), 137),
        (("/etc",), 126),
        (("/etc/passwd",), 126),
        (("nothing-like-this",), 127),
        (("/no/such/file",), 127),
    ],
)
def test_exit_status(minidocker: Callable, host_unchanged: None, args: tuple, status: int) -> None:
    done = minidocker("run", "--rm", "base", *args)
    assert done.returncode == status
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGRTMIN]
)
@pytest.mark.parametrize("init", [False, True])
def test_signals_reach_the_command(started: Callable, number: int, init: bool) -> None:
    script = f"trap 'echo got; exit 3' {int(number)}; echo ready; while :; do sleep 0.05; done"
    process = started("--rm", *(["--init"] if init else []), "base", "sh", "-c", script)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    assert process.wait(20) == 3
    assert process.stdout.read() == "got\n"


def test_killed_by_a_signal_is_128_and_more(started: Callable) -> None:
    process = started("--rm", "--init", "base", "sh", "-c", "echo ready; exec sleep 60")
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 128 + signal.SIGTERM


def test_init_reaps_and_ends_with_the_command(minidocker: Callable) -> None:
    script = "for i in 1 2 3 4 5; do (sleep 0.05 &); done; sleep 0.4; grep -h State /proc/[0-9]*/status; exit 9"
    done = minidocker("run", "--rm", "--init", "base", "sh", "-c", script)
    assert done.returncode == 9
    assert "Z" not in done.stdout


def test_init_keeps_the_interpreter_from_being_written(minidocker: Callable) -> None:
    # While it runs, opening it for writing is "Text file busy" in any case: so change its mode.
    # (CAP_SYS_PTRACE, since without it /proc/1/exe cannot be followed at all.)
    options = ["--rm", "--init", "--cap-add", "SYS_PTRACE"]
    done = minidocker("run", *options, "base", "chmod", "755", "/proc/1/exe")
    assert "Read-only file system" in done.stderr
    caps = minidocker("run", "--rm", "--init", "base", "grep", "CapEff", "/proc/1/status").stdout
    assert int(caps.split()[1], 16) == 1 << 5  # CAP_KILL


def test_three_interrupts_end_a_deaf_command(terminal: Callable) -> None:
    child = terminal(
        "--rm", "base", "sh", "-c", "trap '' INT; echo ready; while :; do sleep 0.1; done"
    )
    child.expect("ready")
    for _ in range(3):
        child.sendcontrol("c")
        time.sleep(0.1)
    child.expect("ignores Ctrl-C")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 137


def test_a_killed_host_process_takes_the_container_along(
    started: Callable, minidocker: Callable, shared_store: Path
) -> None:
    process = started(
        "--name", "orphan", "base", "sh", "-c", "echo ready; while :; do sleep 1; done"
    )
    assert process.stdout.readline() == "ready\n"
    record = json.loads((shared_store / "containers/names/orphan/record.json").read_text())
    pid = record["pid"]
    assert os.readlink(f"/proc/{pid}/ns/pid") != os.readlink("/proc/self/ns/pid")
    process.kill()
    process.wait()
    deadline = time.monotonic() + 20
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not os.path.exists(f"/proc/{pid}")
    assert "Exited (?)" in minidocker("ps", "-a").stdout
    assert "orphan" in minidocker("prune").stdout
    assert "orphan" not in minidocker("ps", "-a").stdout
    assert not list((shared_store / "containers/names").glob("orphan"))


def test_prune_spares_the_living(started: Callable, minidocker: Callable) -> None:
    process = started(
        "--rm", "--name", "alive", "base", "sh", "-c", "echo ready; while :; do sleep 1; done"
    )
    assert process.stdout.readline() == "ready\n"
    minidocker("prune")
    assert "alive" in minidocker("ps").stdout
    again = minidocker("run", "--name", "alive", "base", "true")
    assert again.returncode == 125
    assert "alive" in again.stderr
    refused = minidocker("rm", "alive")
    assert refused.returncode == 1
    assert "running" in refused.stderr


def test_a_closed_pipe_ends_the_writer(minidocker: Callable) -> None:
    done = minidocker("run", "--rm", "base", "sh", "-c", "yes | head -1")
    assert done.stdout == "y\n"
    assert done.stderr == ""


def test_no_descriptor_leaks(command: list[str], store_env: dict, tmp_path: Path) -> None:
    with open(tmp_path / "secret", "w+") as secret:
        os.set_inheritable(secret.fileno(), True)
        out = subprocess.run(
            [*command, "run", "--rm", "base", "ls", "/proc/self/fd"], env=store_env, text=True,
            capture_output=True, stdin=subprocess.DEVNULL, close_fds=False,
        ).stdout.split()  # fmt: skip
    assert out == ["0", "1", "2", "3"]  # 3 is ls's own view of the directory


# --- a terminal --------------------------------------------------------------------------


def test_a_shell_on_a_terminal(terminal: Callable) -> None:
    child = terminal("--rm", "-it", "base")
    child.expect("# ")
    child.sendline("tty; stty size; test -c /dev/console && echo con''sole")
    child.expect("/dev/pts/0")
    child.expect("30 100")
    child.expect("console")
    child.setwinsize(40, 120)
    time.sleep(0.3)
    child.sendline("stty size")
    child.expect("40 120")
    child.expect("# ")
    child.sendline("sleep 100")
    time.sleep(0.5)
    child.sendcontrol("z")
    child.expect("Stopped")
    child.sendline("jobs; fg")
    child.expect("sleep 100")
    time.sleep(0.3)
    child.sendcontrol("c")
    child.expect("# ")
    child.sendline("exit 5")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 5


def test_ctrl_c_under_init_reaches_the_command_once(terminal: Callable) -> None:
    script = "trap 'echo caught' INT; echo ready; i=0; while [ $i -lt 20 ]; do sleep 0.05; i=$((i+1)); done"
    child = terminal("--rm", "-it", "--init", "base", "sh", "-c", script)
    child.expect("ready")
    child.sendcontrol("c")
    child.expect(pexpect.EOF)
    assert child.before.count("caught") == 1


def test_an_attached_terminal_needs_one(minidocker: Callable) -> None:
    done = minidocker("run", "-it", "base")
    assert done.returncode == 1
    assert "terminal" in done.stderr


def test_standard_input_only_with_i(command: list[str], store_env: dict) -> None:
    for flags, expected in (([], ""), (["-i"], "typed")):
        done = subprocess.run(
            [*command, "run", "--rm", *flags, "base", "cat"], env=store_env, text=True,
            input="typed", capture_output=True,
        )  # fmt: skip
        assert done.stdout == expected


# --- bad input ---------------------------------------------------------------------------

BAD = [
    (("nosuchimage",), "no image nosuchimage"),
    ((), "needs an IMAGE"),
    (("--rootfs", "relative", "true"), "not an absolute path"),
    (("--rootfs", "/no/such/dir", "true"), "no such directory"),
    (("--layer", "/no/such/dir", "true"), "no such directory"),
    (("-m", "3x", "base"), "'3x' is not a size"),
    (("-m", "64m", "--memory-swap", "1m", "base"), "at least --memory"),
    (("--cpus", "none", "base"), "not a number of CPUs"),
    (("--pids-limit", "x", "base"), "not a whole number"),
    (("--mount", "type=bind,src=/no/such,dst=/x", "base"), "does not exist"),
    (("-v", "r/el:/x", "base"), "an absolute path"),
    (("--tmpfs", "x", "base"), "absolute path"),
    (("--env-file", "/no/such", "base"), "No such file"),
    (("--user", "nobody-here", "base", "true"), "no user 'nobody-here'"),
    (("--user", "0:nogroup-here", "base", "true"), "no group 'nogroup-here'"),
    (("--nonsense", "base"), "no option --nonsense"),
    (("--hostnam", "x", "base"), "--hostname"),
    (("--name", "a/b", "base"), "is not a name"),
    (("--hostname", "x" * 65, "base"), "64 bytes"),
    (("--stages", "rootfs", "base"), "needs the stage mounts"),
    (("--stages", "x", "base"), "no stage 'x'"),
    (("--stage", "pid=/no/such.py", "base"), "cannot read"),
    (("--stage", "pid", "base"), "NAME=FILE"),
    (("--rm=x", "base"), "takes no value"),
    (("--name",), "needs a value"),
]


@pytest.mark.parametrize(
    ("args", "words"), BAD, ids=lambda v: "-".join(v) if isinstance(v, tuple) else ""
)
def test_bad_input_gives_one_sentence_and_a_remedy(
    minidocker: Callable, host_unchanged: None, args: tuple, words: str
) -> None:
    done = minidocker("run", *args)
    assert done.returncode == (125 if args else 1)
    assert words in done.stderr
    assert "try:" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def spawn(:\n", "line 1"),
        ("x = 1\n", "defines none of spawn"),
        ("raise RuntimeError('at import')\n", "at import"),
        ("import sys\nsys.exit(3)\n", "SystemExit"),
        ("def spawn(kernel, flags, child):\n    1 / 0\n", "ZeroDivisionError"),
        ("def spawn(kernel, flags, child):\n    return 1\n", "it returned 1"),
        ("def spawn(kernel, flags, child):\n    pass\n", "it returned None"),
        (
            "def spawn(kernel, flags, child):\n    pid = kernel.clone(flags)\n    return pid\n",
            "spawn returned in the child",
        ),
        (
            "def spawn(kernel, flags, child):\n    pid = kernel.fork()\n    if pid == 0:\n"
            "        child()\n    return pid\n",
            "not in a new",
        ),
        (
            "def spawn(kernel, flags, child):\n    kernel.unshare(flags)\n    kernel.unshare(1)\n",
            "unshare(2): EINVAL",
        ),
    ],
)
def test_a_learners_mistake_is_told_and_leaves_nothing(
    minidocker: Callable, host_unchanged: None, tmp_path: Path, text: str, words: str
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(text)
    done = minidocker("run", "--rm", "--stage", f"pid={file}", "base", "true")
    assert done.returncode == 125
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    if "1 / 0" in text:
        assert "1 / 0" in done.stderr  # the learner's own frame
        assert "spawn" in done.stderr
    end = time.monotonic() + 30
    while _children_of_tests(file) and time.monotonic() < end:
        time.sleep(0.05)
    assert not _children_of_tests(file)


def _children_of_tests(file: Path) -> list[str]:
    """Processes whose command line names this learner's file."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid():
            try:
                line = Path(f"/proc/{entry}/cmdline").read_bytes()
            except OSError:
                continue
            if str(file).encode() in line:
                found.append(entry)
    return found


SPAWNS = {
    "unshare and fork": "    kernel.unshare(flags)\n    pid = kernel.fork()\n",
    "clone": "    pid = kernel.clone(flags)\n",
}


@pytest.mark.parametrize("how", SPAWNS)
def test_a_learners_spawn_runs_the_real_thing(
    minidocker: Callable, host_unchanged: None, tmp_path: Path, how: str
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        f"def spawn(kernel, flags, child):\n{SPAWNS[how]}"
        "    if pid == 0:\n        child()\n    return pid\n"
    )
    done = minidocker(
        "run", "--rm", "--stage", f"pid={file}", "base", "sh", "-c", "echo $$; exit 4"
    )
    assert (done.stdout, done.returncode) == ("1\n", 4)
    told = minidocker("run", "--rm", "--explain", "--stage", f"pid={file}", "base", "true")
    assert str(file) in told.stderr


def test_a_call_with_a_parts_words_is_told_in_its_name(minidocker: Callable, tmp_path: Path) -> None:
    """overlay_options makes no call itself: the mount that takes its text is told as its own."""
    file = tmp_path / "mine.py"
    file.write_text(
        "def overlay_options(layers, upper, work):\n"
        "    return f'lowerdir={\":\".join(reversed(layers))},upperdir={upper},workdir={work}'\n"
    )
    told = minidocker("run", "--rm", "--explain", "--stage", f"layers={file}", "base", "true").stderr
    after = told.split('mount("overlay"')[1]
    assert f"overlay_options() {file}" in after.split("\n  mount(")[0]
    file.write_text("def overlay_options(layers, upper, work):\n    return 'lowerdir=/no/such'\n")
    done = minidocker("run", "--rm", "--stage", f"layers={file}", "base", "true")
    assert done.returncode == 125 and "part overlay_options of" in done.stderr


def test_a_learners_filter_is_told_in_its_name(minidocker: Callable, tmp_path: Path) -> None:
    refuse = {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}
    profile = tmp_path / "list.json"
    profile.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [refuse]}))
    words = ("run", "--rm", "--mine", "--security-opt", f"seccomp={profile}", "--explain", "base")
    solved = {"MINIDOCKER_EXERCISES": str(Path(__file__).parents[2] / "solutions")}
    done = minidocker(*words, "mkdir", "/new", env=solved)
    assert done.returncode == 1 and "mkdir: can't create directory" in done.stderr
    after = done.stderr.split("\n  seccomp(")[1].split("\nruntime")[0]
    assert "compile_filter() " in after and "11_seccomp.py" in after


def test_a_learners_init_serves_as_pid_1(minidocker: Callable, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("def init(kernel, main):\n    kernel.waitpid(main)\n    return 42\n")
    done = minidocker("run", "--rm", "--init", "--stage", f"pid={file}", "base", "true")
    assert done.returncode == 42
    file.write_text("def init(kernel, main):\n    raise RuntimeError('lazy')\n")
    done = minidocker("run", "--rm", "--init", "--stage", f"pid={file}", "base", "true")
    assert done.returncode == 125
    assert "part init" in done.stderr and "lazy" in done.stderr


def test_a_pivot_without_its_namespace_is_refused(minidocker: Callable, tmp_path: Path) -> None:
    """A spawn that drops CLONE_NEWNS would let the pivot change the host's own root."""
    file = tmp_path / "mine.py"
    file.write_text(
        "from minidocker.kernel.flags import CLONE_NEWNS\n"
        "def spawn(kernel, flags, child):\n    pid = kernel.clone(flags & ~CLONE_NEWNS)\n"
        "    if pid == 0:\n        child()\n    return pid\n"
    )
    done = minidocker("run", "--rm", "--stage", f"pid={file}", "base", "true")
    assert done.returncode == 125
    assert "mnt" in done.stderr


def test_a_failed_call_names_stage_part_call_errno_and_path(
    minidocker: Callable, tmp_path: Path
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "def pivot(kernel, new_root):\n    kernel.pivot_root(new_root, new_root + '/no')\n"
    )
    done = minidocker("run", "--rm", "--stage", f"rootfs={file}", "base", "true")
    assert "stage rootfs, inside, part pivot of" in done.stderr
    assert "pivot_root(2) on " in done.stderr
    assert "ENOENT" in done.stderr


def test_imports_of_the_image_are_never_run(
    minidocker: Callable, shared_store: Path, tmp_path: Path
) -> None:
    """After the pivot, a lazy import must fail, not load the image's own Python files."""
    import sysconfig

    base = next((shared_store / "layers/sha256").glob("*/fs"))
    trap = tmp_path / ("trap" + sysconfig.get_path("stdlib"))
    trap.mkdir(parents=True)
    (trap / "wave.py").write_text("open('/pwned', 'w').close()\n")
    file = tmp_path / "mine.py"
    file.write_text(
        "def set_hostname(kernel, name):\n    import wave\n    kernel.sethostname(name)\n"
    )
    done = minidocker(
        "run", "--rm", "--stage", f"uts={file}", "--layer", str(base), "--layer", f"{tmp_path}/trap",
        "ls", "/pwned",
    )  # fmt: skip
    assert done.returncode == 125
    assert "import at the top of the file" in done.stderr


# --- telling -----------------------------------------------------------------------------


def test_explain_tells_before_the_command_speaks(minidocker: Callable) -> None:
    done = minidocker("run", "--rm", "--explain", "base", "sh", "-c", "echo spoken >&2")
    text = done.stderr
    for word in (
        "pid · spawn", "clone3(CLONE_NEWNS|", "$ unshare --mount", "rootfs · inside", "pivot() reference",
        'pivot_root(".", ".")', "$ mount -t proc -o nosuid,nodev,noexec proc", "execve(", "$ exec /bin/sh",
    ):  # fmt: skip
        assert word in text, word
    assert text.index("execve(") < text.index("spoken")


def test_dry_run_does_nothing_and_needs_nothing(
    minidocker: Callable, host_unchanged: None, tmp_path: Path
) -> None:
    done = minidocker(
        "run", "--dry-run", "-m", "64m", "-v", "/nowhere:/x:ro", "an-image", "cmd", "--flag",
        env={"MINIDOCKER_ROOT": f"{tmp_path}/none"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "clone3(" in done.stderr
    assert 'mount("/nowhere"' in done.stderr
    assert 'execve("cmd"' in done.stderr
    assert not (tmp_path / "none").exists()


def test_help_teaches(minidocker: Callable) -> None:
    done = minidocker("run", "--help")
    assert done.returncode == 0
    assert "examples:" in done.stdout
    for option in ("--rm", "--stages", "--mine", "--memory-swap", "--entrypoint"):
        assert option in done.stdout


# --- many ----------------------------------------------------------------------------------


def test_twenty_at_once(started: Callable, host_unchanged: None) -> None:
    processes = [started("--rm", "base", "sh", "-c", f"exit {n}") for n in range(20)]
    assert [process.wait(60) for process in processes] == list(range(20))


def test_killed_at_any_moment_leaves_only_what_prune_removes(
    command: list[str],
    store_env: dict,
    minidocker: Callable,
    shared_store: Path,
    mounts_now: Callable[[], list[str]],
) -> None:
    """kill -9 of the host process at many moments of the start."""
    mounts = mounts_now()
    for milliseconds in range(0, 60, 5):
        process = subprocess.Popen(
            [*command, "run", "--name", f"k{milliseconds}", "base", "sleep", "30"], env=store_env,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(milliseconds / 1000)
        process.kill()
        process.wait()
    time.sleep(0.3)
    minidocker("prune")
    assert mounts_now() == mounts
    left = [p.name for p in (shared_store / "containers").iterdir() if p.name != "names"]
    assert left == []
    assert list((shared_store / "containers/names").iterdir()) == []
