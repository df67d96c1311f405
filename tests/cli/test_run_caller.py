"""`minidocker run` and who calls it: what is the caller's stays outside, and no bad manners hurt."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from minidocker.images.store.store import Store

pytestmark = pytest.mark.needs("root", "overlay")


@pytest.fixture
def store_env(shared_store: Path) -> dict[str, str]:
    return {**os.environ, "MINIDOCKER_ROOT": str(shared_store)}


@pytest.fixture
def host_directory() -> Iterator[int]:
    """A descriptor of the host's "/", as a careless caller may leave open."""
    fd = os.open("/", os.O_RDONLY)
    os.set_inheritable(fd, True)
    yield fd
    os.close(fd)


def _wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_an_open_directory_of_the_caller_is_no_way_out(
    minidocker: Callable, host_directory: int
) -> None:
    path = f"/proc/self/fd/{host_directory}"
    for args in (["-w", path, "base", "ls"], ["-w", f"{path}/etc", "base", "ls"]):
        done = minidocker("run", "--rm", *args, pass_fds=[host_directory])
        assert done.returncode == 125, done
        assert done.stdout == ""
    done = minidocker("run", "--rm", "base", f"{path}/bin/true", pass_fds=[host_directory])
    assert done.returncode == 127, done


def test_init_holds_nothing_but_its_three_descriptors(minidocker: Callable) -> None:
    options = ["--init", "--cap-add", "SYS_PTRACE"]
    done = minidocker("run", "--rm", *options, "base", "ls", "/proc/1/fd")
    assert done.stdout.split() == ["0", "1", "2"]


def test_init_shows_nothing_of_the_host(minidocker: Callable) -> None:
    """Its environment is the caller's, with all the secrets in it."""
    script = "cat /proc/1/environ; cat /proc/self/environ"
    done = minidocker("run", "--rm", "--init", "base", "sh", "-c", script, env={"SECRET": "s3"})
    assert "s3" not in done.stdout
    assert "PATH=" in done.stdout
    assert "Permission denied" in done.stderr


def test_the_memory_of_init_holds_none_of_the_callers_variables(
    command: list[str], store_env: dict[str, str]
) -> None:
    """CAP_SYS_PTRACE may read it; we do so from outside. Of many variables some would be left."""
    secrets = {f"SECRET_{n}": f"geheim-{n}-" + "x" * 20 * n for n in range(60)}
    line = [*command, "run", "--rm", "-i", "--init", "--network", "none", "-e", "SECRET_7", "base", "sh",
            "-c", "echo ${#SECRET_7}${SECRET_8}; cat"]  # fmt: skip
    running = subprocess.Popen(
        line, env={**store_env, **secrets}, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert running.stdout and running.stdout.readline() == f"{len(secrets['SECRET_7'])}\n"
        init = int(children(running.pid)[0])
        memory = b"".join(readable(init))
    finally:
        running.communicate("", timeout=60)
    assert b"wait_signal" in memory  # it is PID 1, and can be read
    left = {name for name in secrets if secrets[name].encode() in memory}
    assert left <= {"SECRET_7"}


def children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def readable(pid: int) -> Iterator[bytes]:
    """Yield what is in a process's memory."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            place, rights, *_ = line.split()
            start, end = (int(word, 16) for word in place.split("-"))
            with contextlib.suppress(OSError, OverflowError):
                if rights.startswith("rw"):
                    yield os.pread(memory.fileno(), end - start, start)


def test_the_callers_groups_stay_outside(command: list[str], store_env: dict[str, str]) -> None:
    line = ["setpriv", "--regid", "27", "--groups", "4,27", *command, "run", "--rm", "base", "id"]
    done = subprocess.run(line, env=store_env, capture_output=True, text=True, timeout=60)
    assert done.stdout.split()[1:] == ["gid=0(root)", "groups=0(root)"], done


def test_a_caller_that_ignores_its_children_does_not_hang_us(
    command: list[str], store_env: dict[str, str]
) -> None:
    line = [*command, "run", "--rm", "base", "sh", "-c", "exit 5"]

    def ignore() -> None:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)

    process = subprocess.Popen(line, env=store_env, preexec_fn=ignore)
    try:
        assert process.wait(timeout=30) == 5
    finally:
        process.kill()


def test_a_removed_directory_is_named(command: list[str], store_env: dict, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    script = f"rmdir {gone}; exec {' '.join(command)} run --stages pid true"
    done = subprocess.run(["sh", "-c", script], env=store_env, cwd=gone, capture_output=True)
    assert done.returncode == 125
    assert b"has been removed" in done.stderr


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_standard_descriptors_change_no_status(
    command: list[str], store_env: dict[str, str], closed: str
) -> None:
    for words, status in (("sh -c 'exit 7'", 7), ("nosuch", 127)):
        line = f"{' '.join(command)} run --rm base {words} {closed}"
        done = subprocess.run(["sh", "-c", line], env=store_env, capture_output=True, timeout=60)
        assert done.returncode == status, (line, done)


def test_a_signal_ends_a_start_that_hangs(
    command: list[str], store_env: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "slow.py"
    text = "import time\ndef set_names(kernel, hostname, domainname):\n    time.sleep(60)\n"
    file.write_text(text + "set_hostname = set_names\n")
    process = subprocess.Popen(
        [*command, "run", "--name", "slow", "--stage", f"uts={file}", "base", "true"],
        env=store_env, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    names = Path(store_env["MINIDOCKER_ROOT"], "containers/names")
    _wait_for(lambda: (names / "slow/record.json").exists())
    _wait_for(lambda: '"running"' in (names / "slow/record.json").read_text())
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM, told
    assert "interrupted before the command started" in told
    assert not os.path.lexists(names / "slow")


def test_prune_and_ps_never_disturb_a_run(minidocker: Callable) -> None:
    import threading

    stop, wrong = threading.Event(), []

    def disturb() -> None:
        while not stop.is_set():
            for verb in ("ps", "prune"):
                done = minidocker(verb)
                if done.returncode:
                    wrong.append(done)

    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        runs = [minidocker("run", "--rm", "base", "true") for _ in range(15)]
    finally:
        stop.set()
        thread.join()
    assert [done for done in runs if done.returncode] == []
    assert wrong == []


def test_a_full_disk_keeps_the_exit_status(
    command: list[str], shared_store: Path, tmp_path: Path
) -> None:
    """In a mount namespace of the test's own, so that nothing is left mounted."""
    layer = Store(str(shared_store)).resolve("base").layers[0]
    run = " ".join(command)
    script = f"""
        mount -t tmpfs -o size=8m none {tmp_path} && cp -a {layer} {tmp_path}/layer &&
        export MINIDOCKER_ROOT={tmp_path}/store
        fill='dd if=/dev/zero of=/big bs=1M count=9 2>/dev/null; exit 9'
        {run} run --layer {tmp_path}/layer sh -c "$fill"; echo $?
        {run} run --layer {tmp_path}/layer true; echo $?
        {run} prune >/dev/null; echo $?; ls $MINIDOCKER_ROOT/containers
    """
    unshare = ["unshare", "-m", "--propagation", "private", "sh", "-c", script]
    done = subprocess.run(unshare, capture_output=True, text=True, timeout=60, env=os.environ)
    assert done.stdout.split() == ["9", "125", "0", "names"], done
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
