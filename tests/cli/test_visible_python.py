"""Where a process of ours is visible in a container, the interpreter cannot be changed through it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from minidocker.proc.lean import children, fields

pytestmark = pytest.mark.needs("root", "pidns", "mntns", "overlay")
REPOSITORY = Path(__file__).resolve().parents[2]
TRACER = ("--cap-add", "SYS_PTRACE", "--security-opt", "seccomp=unconfined")


def program() -> os.stat_result:
    return os.stat(os.path.realpath(sys.executable))


def test_under_init_it_is_read_only_whatever_capabilities_there_are(minidocker: Callable) -> None:
    before = program()
    script = (
        "readlink /proc/1/exe\n"
        "for try in 1 2 3; do (echo x >> /proc/1/exe); chmod 4755 /proc/1/exe; chown 5 /proc/1/exe; done\n"
        "cp /proc/1/exe /copy && wc -c < /copy\n"
    )
    done = minidocker("run", "--rm", "--init", *TRACER, "base", "sh", "-c", script)
    path, size = done.stdout.split()
    assert path in (
        f"/{os.path.basename(os.path.realpath(sys.executable))}",
        "/memfd:minidocker-gate",
    )
    assert int(size) == before.st_size
    assert done.stderr.count("Read-only file system") == 9
    after = program()
    assert (after.st_mode, after.st_uid, after.st_mtime_ns) == (
        before.st_mode,
        before.st_uid,
        before.st_mtime_ns,
    )


@pytest.mark.parametrize("more", [(), TRACER, ("--privileged",)])
def test_under_init_nobody_reads_the_callers_environment(
    minidocker: Callable, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...]
) -> None:
    monkeypatch.setenv("CALLERS_PASSWORD", "tops3cret")
    script = "echo pid $(cut -d' ' -f1 /proc/1/stat); tr -d '\\0' < /proc/1/environ; echo; env"
    done = minidocker("run", "--rm", "--init", "-e", "OWN=1", *more, "base", "sh", "-c", script)
    first, seen, *own = done.stdout.splitlines()
    assert first == "pid 1" and "OWN=1" in own, done.stdout
    assert seen == "" and "tops3cret" not in done.stdout
    assert ("ermission denied" in done.stderr) == (not more), done.stderr


@pytest.mark.parametrize("way", ["file", "pipe", "descriptor", "stages", "mine", "stage"])
def test_whatever_the_options_it_is_not_in_the_memory_of_pid_1_either(
    command: list[str], shared_store: Path, tmp_path: Path, way: str
) -> None:
    lines = "TAKEN\nGIVEN=2\n"
    (tmp_path / "file").write_text(lines)
    (tmp_path / "own.py").write_text("def set_hostname(kernel, name):\n    kernel.sethostname(name)\n")
    words = ["--env-file", str(tmp_path / "file")]
    if way == "pipe":
        os.mkfifo(tmp_path / "pipe")
        words = [f"--env-file={tmp_path}/pipe"]
    elif way == "descriptor":
        words = ["--env-file", "/dev/stdin"]
    words += {"stages": ["--stages", "..capabilities"], "mine": ["--mine"],
              "stage": ["--stage", f"uts={tmp_path}/own.py"]}.get(way, [])  # fmt: skip
    env = {**os.environ, "MINIDOCKER_ROOT": str(shared_store), "CALLERS_PASSWORD": "tops3cret" * 3,
           "TAKEN": "taken" * 5, "MINIDOCKER_EXERCISES": str(tmp_path)}  # fmt: skip
    box = subprocess.Popen(
        [*command, "run", "--rm", "--init", "--network", "none", *words, "base", "sh", "-c",
         "env; echo END; sleep 30"],
        env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    late = threading.Timer(60, box.kill)
    late.start()
    try:
        if way == "pipe":
            (tmp_path / "pipe").write_text(lines)
        elif way == "descriptor":
            box.stdin.write(lines)
            box.stdin.close()
        seen = []
        while "END\n" not in seen:
            seen.append(box.stdout.readline())
            assert seen[-1], box.stderr.read()
        assert "GIVEN=2\n" in seen and f"TAKEN={env['TAKEN']}\n" in seen
        [first] = [pid for pid in children(box.pid) if fields(pid)[0] != "Z"]
        kept = memory(first)
        assert env["TAKEN"].encode() in kept and b"tops3cret" not in kept
    finally:
        late.cancel()
        box.kill()
        box.wait(timeout=30)


def memory(pid: int) -> bytes:
    """What a process has in its writable memory."""
    found = b""
    with open(f"/proc/{pid}/maps") as table, open(f"/proc/{pid}/mem", "rb", 0) as stream:
        for area, mode, *_ in map(str.split, table):
            begin, end = (int(number, 16) for number in area.split("-"))
            if mode.startswith("rw"):
                stream.seek(begin)
                found += stream.read(end - begin)
    return found


def test_a_tracer_with_sys_admin_cannot_mount_it_writable_either(minidocker: Callable) -> None:
    script = (
        "touch /x; mount -o bind /proc/1/exe /x && mount -o remount,bind,rw /x\n"
        "chmod 4755 /x; (echo x >> /x); echo tried"
    )
    before = program()
    done = minidocker(
        "run", "--rm", "--init", *TRACER, "--cap-add", "SYS_ADMIN", "base", "sh", "-c", script
    )
    assert "tried" in done.stdout
    assert (program().st_mode, program().st_mtime_ns) == (before.st_mode, before.st_mtime_ns)


FALL_BACK = """
import fcntl, os, sys
from minidocker.kernel.linux import Linux
from minidocker.runtime import readonly
class NoOverlay(Linux):
    def sealed_directory(self, path):
        raise OSError(22, "Invalid argument")
readonly.ensure(NoOverlay())
fd = os.open("/proc/self/exe", os.O_RDONLY)
print(os.readlink("/proc/self/exe"), fcntl.fcntl(fd, 1034) & 15, readonly.sealed())
print(os.environ.get("LD_LIBRARY_PATH"), "MINIDOCKER_SEALED" in os.environ, sys.argv, sys.executable)
try:
    os.open("/proc/self/exe", os.O_WRONLY)
except OSError as problem:
    print(problem.strerror)
"""


def test_without_an_overlay_it_is_a_sealed_copy_in_memory() -> None:
    env = {**os.environ, "LD_LIBRARY_PATH": "/some/where"}
    done = subprocess.run(
        [sys.executable, "-c", FALL_BACK, "one", "two"],
        env=env,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    first, second, third = done.stdout.splitlines()
    assert first == "/memfd:minidocker-gate (deleted) 15 True"
    assert second == f"/some/where False ['-c', 'one', 'two'] {sys.executable}"
    assert third in ("Operation not permitted", "Text file busy")


def test_what_cannot_be_sealed_starts_nothing() -> None:
    script = FALL_BACK.replace(
        "readonly.ensure", "readonly.sealed = lambda: False\nreadonly.ensure"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 1 and "nothing was started" in done.stderr


@pytest.fixture
def own_python() -> Iterator[Path]:
    """An interpreter that belongs to an ordinary user, as uv's and pyenv's do."""
    directory = Path(tempfile.mkdtemp())
    shutil.copy(os.path.realpath(sys.executable), directory / "python3")
    for path in (directory, directory / "python3"):
        os.chown(path, 54321, 54321)
        path.chmod(0o755)
    yield directory / "python3"
    shutil.rmtree(directory)


@pytest.mark.parametrize("owner", ["user", "root"])
def test_an_ordinary_users_own_interpreter_is_copied_and_roots_is_not(
    own_python: Path, owner: str
) -> None:
    program = str(own_python) if owner == "user" else os.path.realpath(sys.executable)
    script = (
        "from minidocker.kernel.linux import Linux; from minidocker.runtime import readonly\n"
        "import os; readonly.ensure(Linux()); print(os.readlink('/proc/self/exe'))"
    )
    env = {"PYTHONPATH": str(REPOSITORY), "PYTHONHOME": sys.base_prefix, "PATH": os.environ["PATH"]}
    done = subprocess.run(
        ["setpriv", "--reuid", "54321", "--regid", "54321", "--clear-groups", program, "-B", "-c", script],
        env=env, capture_output=True, text=True, timeout=30, cwd="/",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    wanted = "/memfd:minidocker-gate (deleted)" if owner == "user" else program
    assert done.stdout.strip() == wanted


def mounted_in(path: str) -> list[str]:
    """The processes in whose mount namespace a path is a mount point."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            text = Path(f"/proc/{pid}/mountinfo").read_text()
        except OSError:
            continue
        if f" {path} " in text:
            found.append(pid)
    return found


@pytest.mark.parametrize("more", [(), ("--init",), ("--ipc", "host")])
def test_a_disk_of_the_hosts_is_free_as_soon_as_it_is_unmounted(
    command: list[str],
    shared_store: Path,
    minidocker: Callable,
    tmp_path: Path,
    more: tuple[str, ...],
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "disk", str(disk)], check=True)
    running = None
    try:
        running = subprocess.Popen(
            [*command, "run", "--rm", *more, "base", "sh", "-c", "echo up; sleep 60"], text=True,
            env={**os.environ, "MINIDOCKER_ROOT": str(shared_store)}, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert running.stdout and running.stdout.readline() == "up\n"
        assert mounted_in(str(disk)) != []
        subprocess.run(["umount", str(disk)], check=True)
        assert mounted_in(str(disk)) == []
    finally:
        subprocess.run(["umount", "-q", str(disk)], check=False)
        if running:
            running.kill()
            running.communicate(timeout=20)
            minidocker("prune")


LOOK = """
import os
def set_hostname(kernel, name):
    kernel.sethostname(os.readlink("/proc/self/exe").rpartition("/")[2][:60] or "none")
    os.write(2, ("exe " + os.readlink("/proc/self/exe") + chr(10)).encode())
"""


def test_who_joins_a_pid_namespace_starts_sealed(
    command: list[str], shared_store: Path, minidocker: Callable, tmp_path: Path
) -> None:
    (tmp_path / "look.py").write_text(LOOK)
    env = {**os.environ, "MINIDOCKER_ROOT": str(shared_store)}
    name = f"seen-{os.urandom(3).hex()}"
    for capabilities, refused in (
        ((), False),
        (("--cap-add", "SYS_PTRACE"), True),
        (("--privileged",), False),
    ):
        running = subprocess.Popen(
            [*command, "run", "--rm", "--name", name, *capabilities, "base", "sh", "-c", "echo up; sleep 60"],
            env=env, text=True, stdout=subprocess.PIPE,
        )  # fmt: skip
        try:
            assert running.stdout and running.stdout.readline() == "up\n"
            done = minidocker("run", "--rm", "--pid", f"container:{name}", "--stage",
                              f"uts={tmp_path}/look.py", "base", "true")  # fmt: skip
            if refused:
                assert done.returncode == 125 and "has CAP_SYS_PTRACE" in done.stderr
            else:
                assert done.returncode == 0, done.stderr
                exe = done.stderr.split("exe ")[1].split()[0]
                assert exe != os.path.realpath(sys.executable)
        finally:
            running.kill()
            running.communicate(timeout=20)
            minidocker("prune")
