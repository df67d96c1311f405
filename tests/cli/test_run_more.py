"""`minidocker run` against bad images, bad luck and bad manners: each was wrong once."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest

from minidocker.images.store.store import Store

pytestmark = pytest.mark.needs("root", "overlay")


@pytest.fixture
def rootfs(shared_store: Path, tmp_path: Path) -> Path:
    """A copy of the base image's files, to be spoilt."""
    layer = Store(str(shared_store)).resolve("base").layers[0]
    return Path(shutil.copytree(layer, tmp_path / "rootfs", symlinks=True))


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


@pytest.mark.parametrize("user", ["4294967295", "0:4294967295", "99999999999", "²", "-1"])
def test_an_id_that_is_none_never_means_root(minidocker: Callable, user: str) -> None:
    done = minidocker("run", "--rm", "--user", user, "base", "id")
    assert done.returncode == 125, done
    assert "no user" in done.stderr or "no group" in done.stderr


def test_a_group_alone_is_roots(minidocker: Callable) -> None:
    assert minidocker("run", "--rm", "--user", ":5", "base", "id", "-g").stdout == "5\n"


def test_a_missing_workdir_is_made_for_any_user_and_on_a_read_only_root(
    minidocker: Callable,
) -> None:
    done = minidocker("run", "--rm", "-u", "1000", "--read-only", "-w", "/new/dir", "base", "pwd")
    assert (done.returncode, done.stdout) == (0, "/new/dir\n"), done.stderr


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["run", "-v", "/tmp:/", "base", "ls"], "is not SRC:DST"),
        (["run", "-v", "/tmp:/x/..", "base", "ls"], "is not SRC:DST"),
        (["run", "--tmpfs", "//", "base", "ls"], "needs an absolute path"),
        (["run", "--rootfs", "/", "ls"], "the host's own root"),
        (["run", "--rootfs", "", "ls"], "not an absolute path"),
        (["run", ""], "needs an IMAGE"),
        (["run", "-h", "a b", "base", "ls"], "is no name"),
        (["run", "-h", "\udcff", "base", "ls"], "is no name"),
    ],
)
def test_words_that_would_mean_the_host_are_refused(
    minidocker: Callable, args: list[str], words: str
) -> None:
    done = minidocker(*args)
    assert done.returncode == 125
    assert words in done.stderr
    assert "Error" not in done.stderr


def test_an_empty_command_is_not_found(minidocker: Callable) -> None:
    assert minidocker("run", "--rm", "base", "").returncode == 127


def test_a_very_long_word_keeps_its_exit_status(minidocker: Callable) -> None:
    long = "a" * 100_000
    assert minidocker("run", "--rm", "base", long).returncode == 127
    done = minidocker("run", "--rm", "--explain", "base", "echo", "\U0001f600" * 30_000)
    assert done.returncode == 0, done.stderr[-500:]


def _fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _zeros(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("spoil", [_fifo, _directory, _zeros])
def test_a_passwd_that_is_no_file_is_an_empty_one(
    minidocker: Callable, rootfs: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(rootfs / "etc/passwd")
    done = minidocker("run", "--rm", "--rootfs", str(rootfs), "echo", "ok", timeout=20)
    assert done.stdout == "ok\n", done.stderr


def test_bad_lines_of_passwd_are_passed_over(minidocker: Callable, rootfs: Path) -> None:
    lines = "bad\nroot:x:0:zero:r:/r:/bin/sh\n:::::\nu:x:abc:1::/:\nu:x:7:8::/home/u:/bin/sh\n"
    (rootfs / "etc/passwd").write_text(lines)
    run = ["run", "--rm", "--rootfs", str(rootfs), "-u", "u", "sh", "-c"]
    assert minidocker(*run, "id -u; id -g; echo $HOME").stdout.split() == ["7", "8", "/home/u"]


def test_a_dangling_resolv_conf_is_made_inside(minidocker: Callable, rootfs: Path) -> None:
    """Debian's and Ubuntu's point to a file that systemd-resolved writes at run time."""
    (rootfs / "etc/resolv.conf").unlink(missing_ok=True)
    (rootfs / "etc/resolv.conf").symlink_to("../run/systemd/resolve/stub-resolv.conf")
    done = minidocker("run", "--rm", "--rootfs", str(rootfs), "cat", "/etc/resolv.conf")
    assert done.returncode == 0, done.stderr
    assert done.stdout == Path("/etc/resolv.conf").read_text()


@pytest.mark.parametrize("name", ["proc", "dev", "sys"])
def test_a_mount_point_that_is_a_link_is_refused(
    minidocker: Callable, rootfs: Path, name: str
) -> None:
    shutil.rmtree(rootfs / name)
    (rootfs / name).symlink_to("/etc")
    done = minidocker("run", "--rm", "--rootfs", str(rootfs), "true")
    assert done.returncode == 125
    assert f"its {name} is a symbolic link" in done.stderr


def test_env_files_are_read_as_docker_reads_them(minidocker: Callable, tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_bytes(b"A=1\r\n  B=2\n# no\n\nC=x\x0cD=y\x85\n")
    done = minidocker("run", "--rm", "--env-file", str(file), "base", "env")
    found = dict(line.split("=", 1) for line in done.stdout.split("\n") if line)
    assert (found["A"], found["B"], found["C"]) == ("1", "2", "x\x0cD=y\udc85")


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


def _wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_reader_that_leaves_ends_a_terminal_quietly(
    command: list[str], store_env: dict[str, str]
) -> None:
    line = f"{' '.join(command)} run --rm -t base yes | head -2; echo end"
    shell = pexpect.spawn("bash", ["-c", line], env=store_env, timeout=30, encoding="utf-8")
    shell.expect("end")
    assert "minidocker" not in shell.before
    assert "Traceback" not in shell.before
    shell.close()


def test_a_reader_that_leaves_does_not_stop_an_explained_run(
    command: list[str], store_env: dict[str, str], tmp_path: Path
) -> None:
    line = f"{' '.join(command)} run --rm --explain base sh -c 'exit 7' 2>&1 | true"
    script = f"{line}; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], env=store_env, capture_output=True, timeout=60)
    assert done.returncode == 7, done


def test_typing_at_a_command_that_closed_its_terminal(
    command: list[str], store_env: dict[str, str]
) -> None:
    args = ["run", "--rm", "-it", "base", "sh", "-c"]
    script = "echo begin; exec </dev/null >/dev/null 2>&1; sleep 2; exit 3"
    child = pexpect.spawn(command[0], [*command[1:], *args, script], env=store_env, timeout=30)
    child.expect("begin")
    for _ in range(4):
        time.sleep(0.3)
        child.send("x\r")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 3


def test_a_large_paste_waits_without_spinning(
    command: list[str], store_env: dict[str, str]
) -> None:
    args = ["run", "--rm", "-it", "base", "sh", "-c", "stty raw -echo; echo begin; sleep 60"]
    child = pexpect.spawn(command[0], [*command[1:], *args], env=store_env, timeout=30)
    child.expect("begin")
    os.set_blocking(child.fileno(), False)
    sent = 0
    end = time.monotonic() + 2
    while time.monotonic() < end and sent < 400_000:
        try:
            sent += os.write(child.fileno(), b"x" * 4000)
        except BlockingIOError:
            time.sleep(0.02)
    before = _cpu_ticks(child.pid)
    time.sleep(1)
    after = _cpu_ticks(child.pid)
    child.close(force=True)
    assert after - before <= 20  # a hundred is one second of one CPU


def _cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


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


def test_a_dry_run_knows_any_user(minidocker: Callable) -> None:
    done = minidocker("run", "--dry-run", "--user", "bob:staff", "base", "true")
    assert done.returncode == 0, done.stderr
