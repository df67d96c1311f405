"""What people type to `docker run`, typed to the real command on the real kernel."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.needs("root", "pidns", "mntns", "overlay")
QUIET = ("run", "--rm", "--network", "none")


@pytest.fixture
def start(command: list[str], shared_store: Path) -> Iterator[Callable]:
    """Start a container in the background, and wait until it runs."""
    begun: list[subprocess.Popen] = []

    def begin(name: str, *words: str) -> subprocess.Popen:
        one = subprocess.Popen(
            [*command, "run", "--network", "none", "--name", name, *words], text=True,
            env={**os.environ, "MINIDOCKER_ROOT": str(shared_store)}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        begun.append(one)
        assert one.stdout and one.stdout.readline() == "up\n"
        return one

    yield begin
    for one in begun:
        one.kill()
        one.communicate()


def test_settings_of_its_own_namespaces(minidocker: Callable) -> None:
    before = Path("/proc/sys/kernel/shmmax").read_text(), Path("/proc/sys/fs/mqueue/msg_max").read_text()
    script = "cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmax /proc/sys/fs/mqueue/msg_max"
    done = minidocker(*QUIET, "--sysctl", "net.ipv4.ip_forward=1", "--sysctl=kernel.shmmax=12345",
                      "--sysctl", "fs.mqueue.msg_max=21", "base", "sh", "-c", script)  # fmt: skip
    assert done.stdout.split() == ["1", "12345", "21"], done.stderr
    assert before == (Path("/proc/sys/kernel/shmmax").read_text(), Path("/proc/sys/fs/mqueue/msg_max").read_text())
    done = minidocker(*QUIET, "--sysctl", "net.ipv4.nothing=1", "base", "true")
    assert done.returncode == 125 and "this kernel has no such setting" in done.stderr
    done = minidocker(*QUIET, "--sysctl", "net.ipv4.ip_forward=soon", "base", "true")
    assert done.returncode == 125 and "it takes no such value" in done.stderr


def test_the_host_name_is_a_variable_and_no_setting(minidocker: Callable) -> None:
    say = ["base", "sh", "-c", "echo $HOSTNAME; hostname"]
    assert minidocker(*QUIET, "-h", "there", *say).stdout.split() == ["there", "there"]
    assert minidocker(*QUIET, "-h", "there", "-e", "HOSTNAME=mine", *say).stdout.split() == ["mine", "there"]
    done = minidocker("create", "--network", "none", "-t", "-e", "X=1", "base", "true")
    shown = minidocker("inspect", "-f", "{{range .Config.Env}}{{println .}}{{end}}", done.stdout.strip())
    assert [line.partition("=")[0] for line in shown.stdout.split()] == ["PATH", "X"]  # as Docker's
    assert minidocker("rm", done.stdout.strip()).returncode == 0


def test_groups_and_the_score(minidocker: Callable) -> None:
    done = minidocker(*QUIET, "--group-add", "1234", "--group-add", "root", "-u", "5:6", "--oom-score-adj", "700",
                      "base", "sh", "-c", "id -G; cat /proc/self/oom_score_adj")  # fmt: skip
    assert sorted(done.stdout.split()) == ["0", "1234", "6", "700"], done.stderr
    done = minidocker(*QUIET, "--group-add", "nobody-here", "base", "true")
    assert done.returncode == 125
    assert "unable to find group nobody-here: no matching entries in group file" in done.stderr


def test_the_file_with_the_id(minidocker: Callable, tmp_path: Path) -> None:
    file = tmp_path / "cid"
    done = minidocker(*QUIET, "--cidfile", str(file), "base", "hostname")
    assert file.read_text() == done.stdout.strip()
    done = minidocker(*QUIET, "--cidfile", str(file), "base", "true")
    assert done.returncode == 125 and "container ID file found, make sure" in done.stderr
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    done = minidocker(*QUIET, "--cidfile", str(tmp_path / "link"), "base", "true")
    assert done.returncode == 125 and not (tmp_path / "elsewhere").exists()
    done = minidocker(*QUIET, "--cidfile", str(tmp_path / "no/cid"), "base", "true")
    assert done.returncode == 125 and "failed to create the container ID file" in done.stderr
    done = minidocker("run", "--rm", "--cidfile", str(tmp_path / "new"), "nosuchimage")
    assert done.returncode == 125 and not (tmp_path / "new").exists()


def test_a_name_in_use_is_told_in_both_ways(minidocker: Callable, start: Callable) -> None:
    start("words-taken", "base", "sh", "-c", "echo up; sleep 100")
    done = minidocker(*QUIET, "--name", "words-taken", "--cidfile", "/tmp/never-made", "base", "true")
    assert done.returncode == 125 and "the name words-taken is in use by container" in done.stderr
    assert 'Conflict. The container name "/words-taken" is already in use by container "' in done.stderr
    assert not os.path.exists("/tmp/never-made")
    assert "No such container: words-nobody" in minidocker("stop", "words-nobody").stderr


@pytest.mark.parametrize(("words", "number"), [([], 15), (["--stop-signal", "INT"], 2)])
def test_stop_sends_the_signal_and_waits(
    minidocker: Callable, start: Callable, words: list[str], number: int
) -> None:
    script = "trap 'echo two; exit 2' INT; trap 'echo fifteen; exit 15' TERM; echo up; while :; do sleep 0.1; done"
    one = start("words-stop", "--rm", *words, "base", "sh", "-c", script)
    assert minidocker("stop", "words-stop").stdout == "words-stop\n"
    assert one.wait(30) == number


def test_stop_kills_what_does_not_listen(minidocker: Callable, start: Callable, shared_store: Path) -> None:
    one = start("words-deaf", "--stop-timeout", "1", "base", "sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.1; done")
    began = time.monotonic()
    assert minidocker("stop", "words-deaf").returncode == 0
    assert time.monotonic() - began >= 1
    assert one.wait(30) == 128 + signal.SIGKILL
    assert minidocker("stop", "words-deaf").returncode == 0  # it has ended: that is fine
    record = json.loads((shared_store / "containers/names/words-deaf/record.json").read_text())
    assert (record["status"], record["exit_code"]) == ("exited", 137)
    minidocker("rm", "words-deaf")


def test_statuses(minidocker: Callable) -> None:
    for words, status, docker in (
        (["base", "sh", "-c", "exit 9"], 9, ""),
        (["base", "nothing-here"], 127, 'exec: "nothing-here": executable file not found in $PATH'),
        (["base", "/no/such"], 127, 'exec: "/no/such": stat /no/such: no such file or directory'),
        (["base", "/etc/passwd"], 126, 'exec: "/etc/passwd": permission denied'),
        (["--colour", "base"], 125, "unknown flag: --colour"),
        (["--gpus=all", "base"], 125, ""),
        (["--entrypoint", "", "base", "sh", "-c", "exit 3"], 3, ""),
        (["--", "base", "sh", "-c", "exit 4"], 4, ""),
        (["base", "sh", "-c", "exit 5", "--rm"], 5, ""),
    ):
        done = minidocker(*QUIET, *words)
        assert done.returncode == status, (words, done)
        assert docker in done.stderr
        assert len(done.stderr.splitlines()) in (0, 2), done.stderr


def test_a_plain_run_loads_nothing_of_all_this(minidocker: Callable, command: list[str], shared_store: Path) -> None:
    script = (
        "import sys\nfrom minidocker.runtime import child\nimport os\n"
        "def execute(self):\n    os.write(1, ' '.join(sorted(sys.modules)).encode()); os._exit(0)\n"
        "child.Child.execute = execute\nfrom minidocker.cli import main\n"
        "sys.exit(main(['run', '--rm', '--network', 'none', 'base', 'true']))"
    )
    done = subprocess.run([command[0], "-c", script], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "MINIDOCKER_ROOT": str(shared_store)})  # fmt: skip
    loaded = [name for name in done.stdout.split() if name.startswith("minidocker.")]
    assert "minidocker.runtime.child" in loaded, done.stderr
    rooms = ("minidocker.volumes", "minidocker.net.n", "minidocker.net.r", "minidocker.net.u", "minidocker.net.asked", "minidocker.plan.refused",
             "minidocker.plan.notes", "minidocker.kernel.copying")  # fmt: skip
    assert [name for name in loaded if name.startswith(rooms)] == []
