"""`minidocker xray` on real processes: containers of ours, of Podman, and none at all."""

from __future__ import annotations

import errno
import json
import os
import pty
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.needs("linux")
contained = pytest.mark.needs("root", "pidns", "mntns", "overlay")


@pytest.fixture
def web(command: list[str], shared_store: Path, tmp_path: Path) -> Iterator[str]:
    """A container called by its name, with a volume, that runs until the test has ended."""
    name = f"x{os.getpid()}-{time.monotonic_ns()}"
    env = {**os.environ, "MINIDOCKER_ROOT": str(shared_store)}
    (tmp_path / "data").mkdir()
    process = subprocess.Popen(
        [*command, "run", "--rm", "--name", name, "-v", f"{tmp_path}/data:/data", "base", "sleep",
         "300"],
        env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    limit = time.monotonic() + 30
    while (
        name
        not in subprocess.run(
            [*command, "ps"], env=env, capture_output=True, text=True, check=True
        ).stdout
    ):
        assert process.poll() is None and time.monotonic() < limit
        time.sleep(0.1)
    time.sleep(0.2)
    yield name
    process.kill()  # the container dies with its starter
    process.wait(timeout=30)
    subprocess.run([*command, "rm", name], env=env, capture_output=True)


def told(minidocker: Callable, *argv: str) -> dict:
    done = minidocker("xray", "--json", *argv)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_this_process_has_no_wall(minidocker: Callable) -> None:
    found = told(minidocker, str(os.getpid()))
    assert found["version"] == 1 and found["pid"] == os.getpid()
    assert all(item["shared"] for item in found["namespaces"].values())
    assert found["root"]["shared"] is True and found["engine"] is None
    assert {"ns_pid", "ns_mnt", "root", "cgroup", "kernel"} <= {h["id"] for h in found["holes"]}


@contained
def test_a_container_of_ours_by_name(minidocker: Callable, web: str, tmp_path: Path) -> None:
    found = told(minidocker, web)
    for name in ("pid", "mnt", "net", "uts", "ipc", "cgroup"):
        own = os.stat(f"/proc/{found['pid']}/ns/{name}").st_ino
        assert found["namespaces"][name] == {
            "inode": own, "mine": os.stat(f"/proc/self/ns/{name}").st_ino, "shared": False,
        }  # fmt: skip
    assert found["pids"] == [found["pid"], 1]
    assert found["engine"]["name"] == "minidocker"
    assert found["root"]["fstype"] == "overlay" and found["root"]["upper"].endswith("/upper")
    assert all(os.path.isdir(layer) for layer in found["root"]["lower"])
    volume = next(mount for mount in found["mounts"] if mount["point"] == "/data")
    assert (volume["kind"], volume["host_path"]) == ("host", f"{tmp_path}/data")
    kinds = {mount["point"]: mount["kind"] for mount in found["mounts"]}
    assert (kinds["/etc/hosts"], kinds["/proc"]) == ("engine", "kernel")
    holes = {hole["id"] for hole in found["holes"]}
    assert "host_directory" in holes
    assert not {"root", "chroot", "leak", "proc", "ns_pid", "ns_mnt", "propagation"} & holes
    # The same by the beginning of its id, and by its pid.
    assert told(minidocker, found["engine"]["id"][:6])["pid"] == found["pid"]
    assert told(minidocker, str(found["pid"]))["namespaces"] == found["namespaces"]


@contained
def test_its_text_in_a_pipe(minidocker: Callable, web: str) -> None:
    done = minidocker("xray", web)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert "6 of 8 namespaces of its own: pid, mnt, net, uts, ipc, cgroup." in done.stdout
    assert "1 in its own pid namespace" in done.stdout
    assert "/data   (lesson 02)" in done.stdout


@contained
@pytest.mark.parametrize("colour", [True, False])
def test_a_terminal_gets_colours_and_no_color_is_kept(
    command: list[str], colour: bool, shared_store: Path
) -> None:
    pytest.importorskip("rich")
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "MINIDOCKER_ROOT": str(shared_store)}
    env.pop("NO_COLOR", None)
    if not colour:
        env["NO_COLOR"] = "1"
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [*command, "xray", str(os.getpid())], env=env, stdout=follower, stderr=follower
    )
    os.close(follower)
    seen = b""
    while True:
        try:
            part = os.read(leader, 4096)
        except OSError:  # EIO: the other side is closed
            break
        if not part:
            break
        seen += part
    os.close(leader)
    assert process.wait() == 0
    text = seen.decode()
    assert "○ yours" in text and "the kernel itself" in text
    assert ("\x1b[1;31m" in text) == colour


@contained
def test_chroot_alone_is_seen_through(minidocker: Callable, shared_store: Path) -> None:
    layer = next((shared_store / "layers" / "sha256").glob("*/fs"))
    process = subprocess.Popen(["chroot", str(layer), "/bin/sleep", "60"])
    try:
        time.sleep(0.5)
        found = told(minidocker, str(process.pid))
    finally:
        process.kill()
        process.wait()
    assert found["root"]["shared"] is False and found["namespaces"]["mnt"]["shared"] is True
    assert "chroot" in {hole["id"] for hole in found["holes"]}


@contained
@pytest.mark.parametrize("held", [True, False])
def test_a_directory_held_open_is_a_way_out(minidocker: Callable, held: bool) -> None:
    """The descriptor was opened before the new mount namespace: it still lies in the old one."""
    fd = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    process = subprocess.Popen(
        ["unshare", "-m", "--propagation", "private", "sleep", "60"], pass_fds=[fd] if held else []
    )
    os.close(fd)
    try:
        time.sleep(0.5)
        found = told(minidocker, str(process.pid))
    finally:
        process.kill()
        process.wait()
    leaks = [hole for hole in found["holes"] if hole["id"] == "leak"]
    assert [f"descriptor {fd}" in hole["title"] for hole in leaks] == ([True] if held else [])


@contained
def test_propagation_that_was_left_on_is_a_hole(minidocker: Callable) -> None:
    """In a mount namespace between: nothing of this reaches the machine."""
    script = (
        "mount --make-rshared /; unshare -m --propagation unchanged sleep 60 & sleep 0.5;"
        f"{sys.executable} -m minidocker xray --json $!; kill $!"
    )
    done = subprocess.run(
        ["unshare", "-m", "--propagation", "private", "sh", "-c", script],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    tree = json.loads(done.stdout)
    assert tree["namespaces"]["mnt"]["shared"] is False
    assert "propagation" in {hole["id"] for hole in tree["holes"]}


@contained
def test_a_user_without_rights_is_told_what_is_hidden(command: list[str], web: str) -> None:
    env = {**os.environ, "HOME": "/"}
    done = subprocess.run(
        [*command, "xray", "1"], env=env, capture_output=True, text=True, user=65534, group=65534,
        extra_groups=[], cwd=Path(__file__).parents[2],
    )  # fmt: skip
    if "No module named" in done.stderr:
        pytest.skip("blocked: this copy of minidocker cannot be read by another user")
    assert done.returncode == 0
    assert "belongs to another user" in done.stderr and "try: sudo minidocker xray 1" in done.stderr
    assert "Its namespaces cannot be read" in done.stdout


@pytest.mark.parametrize(
    ("argv", "status", "words"),
    [
        (["4194305"], 1, "there is no process 4194305"),
        (["no-such-name"], 1, "neither a process number nor a container"),
        ([], 2, "the following arguments are required"),
        (["--jsn", "1"], 2, "unrecognized arguments: --jsn"),
    ],
)
def test_a_wrong_command_is_one_sentence(
    minidocker: Callable, argv: list[str], status: int, words: str
) -> None:
    done = minidocker("xray", *argv)
    assert done.returncode == status and done.stdout == ""
    assert words in done.stderr and "try: " in done.stderr
    assert "Traceback" not in done.stderr


@contained
def test_a_container_that_has_ended(minidocker: Callable) -> None:
    name = f"ended{time.monotonic_ns()}"
    assert minidocker("run", "--name", name, "base", "true").returncode == 0
    try:
        done = minidocker("xray", name)
        assert done.returncode == 1 and f"container {name} does not run" in done.stderr
    finally:
        minidocker("rm", name)


def test_help_shows_how_to_look_at_docker(minidocker: Callable) -> None:
    done = minidocker("xray", "--help")
    assert done.returncode == 0 and "docker inspect -f '{{.State.Pid}}'" in done.stdout


# --- another engine's container --------------------------------------------------------------


@pytest.fixture(scope="module")
def podman(shared_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The pid of a container that Podman runs, from our base layer, in a store of its own."""
    if not shutil.which("podman") or not shutil.which("runc"):
        pytest.skip("blocked: there is no podman with runc (apt-get install -y podman runc)")
    base = tmp_path_factory.mktemp("podman")
    conf = base / "containers.conf"
    # Some roots lack CAP_SYS_RESOURCE: Podman's own limits could not be set.
    conf.write_text('[containers]\ndefault_ulimits = ["nofile=1024:4096", "nproc=1000:2000"]\n')
    argv = [
        "podman", "--root", f"{base}/root", "--runroot", f"{base}/run", "--tmpdir", f"{base}/tmp",
        "--runtime", "runc", "--cgroup-manager", "cgroupfs", "--events-backend", "file",
        "--storage-driver", "vfs",
    ]  # fmt: skip

    env = {**os.environ, "CONTAINERS_CONF": str(conf)}

    def call(*words: str) -> str:
        done = subprocess.run(
            [*argv, *words], env=env, text=True, capture_output=True, timeout=180
        )
        if done.returncode:
            pytest.skip(f"blocked: podman does not run here: {done.stderr.strip()[-200:]}")
        return done.stdout.strip()

    before = cgroups_of_podman()
    layer = next((shared_store / "layers" / "sha256").glob("*/fs"))
    subprocess.run(["tar", "-C", str(layer), "-cf", f"{base}/base.tar", "."], check=True)
    call("import", f"{base}/base.tar", "xray-base:1")
    name = "xray-test"
    call("run", "-d", "--network=none", "--name", name, "localhost/xray-base:1", "sleep", "300")
    try:
        yield int(call("inspect", "-f", "{{.State.Pid}}", name))
    finally:
        for words in (["rm", "-f", "-t", "0", name], ["rmi", "-a", "-f"]):
            subprocess.run([*argv, *words], env=env, capture_output=True, timeout=120, check=True)
        for made in sorted(cgroups_of_podman() - before, reverse=True):  # what is below comes first
            remove_when_empty(made)


def cgroups_of_podman() -> set[Path]:
    """The parents that Podman makes for its groups, and leaves there, with what is below them."""
    top = Path("/sys/fs/cgroup")
    parents = [*top.glob("libpod_parent"), *top.glob("*/libpod_parent")]
    return {Path(path) for parent in parents for path, _, _ in os.walk(parent)}


def remove_when_empty(group: Path) -> None:
    """Remove a cgroup; what was in it leaves a little after its container."""
    for _ in range(100):
        try:
            return group.rmdir()
        except OSError as problem:
            if problem.errno != errno.EBUSY:
                raise
            time.sleep(0.1)
    raise AssertionError(f"{group} is still in use")


@contained
def test_a_container_of_podman(minidocker: Callable, podman: int) -> None:
    found = told(minidocker, str(podman))
    assert found["engine"]["name"] == "Podman"
    for name in ("pid", "mnt", "uts", "ipc"):
        assert found["namespaces"][name]["shared"] is False, name
    assert found["root"]["shared"] is False
    assert found["seccomp"]["mode"] == "filter"
    assert found["capabilities"]["beyond_docker"] == []
    holes = {hole["id"] for hole in found["holes"]}
    assert "ns_user" in holes and not {"proc_sys", "seccomp", "capabilities", "root"} & holes
    assert not any(hole["id"] == "host_directory" for hole in found["holes"])
