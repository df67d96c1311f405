"""Runs of an ordinary user, for real: with subordinate ids, and with one id alone.

The host's /etc/passwd and /etc/subuid stay as they are: the user stands in copies that are bound
over them, in a mount namespace of the test's own.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from minidocker.images.registry.server import Registry

BUILD = """\
FROM base
COPY --chown=nobody Dockerfile /d/
RUN --mount=type=cache,target=/c id -u > /c/x; cp /c/x /ran; chown nobody /ran
USER nobody
RUN id -u
CMD stat -c '%U' /ran /d/Dockerfile
"""
OF_ONE_ID = "FROM base\nCOPY Dockerfile /d/\nRUN id -u > /ran\nCMD stat -c '%U' /ran /d/Dockerfile\n"
REPOSITORY = Path(__file__).resolve().parents[2]
UID, FIRST, COUNT = 54321, 1_000_000_000, 65536
pytestmark = pytest.mark.needs("root", "userns", "pidns", "mntns", "overlay")

Run = Callable[..., subprocess.CompletedProcess[str]]


class Account:
    """An ordinary user with a home, who may have subordinate ids."""

    def __init__(self, home: Path, ranges: bool) -> None:
        self.home, self.ranges = home, ranges
        self.store = home / ".local/share/minidocker"
        (home / "passwd").write_text(
            Path("/etc/passwd").read_text() + f"learner:x:{UID}:{UID}::{home}:/bin/sh\n"
        )
        (home / "ranges").write_text(f"learner:{FIRST}:{COUNT}\n" if ranges else "")
        os.chown(home, UID, UID)

    def argv(self, *words: str, path: str = "") -> list[str]:
        """The command line that is this user's `minidocker WORDS`; `path` goes before PATH."""
        bind = [f"mount --bind {self.home}/passwd /etc/passwd"]
        for file in ("/etc/subuid", "/etc/subgid"):
            if os.path.exists(file):
                bind.append(f"mount --bind {self.home}/ranges {file}")
        become = f"setpriv --reuid {UID} --regid {UID} --clear-groups"
        env = f"env -i HOME={self.home} PATH={path}/usr/sbin:/usr/bin:/sbin:/bin PYTHONPATH={REPOSITORY}"
        script = f'{" && ".join(bind)} && exec {become} {env} "$@"'
        command = [sys.executable, "-B", "-m", "minidocker"]
        return ["unshare", "--mount", "sh", "-c", script, "sh", *command, *words]

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.argv(*words), capture_output=True, text=True, timeout=60, cwd="/",
            stdin=subprocess.DEVNULL,
        )  # fmt: skip


def let_through(path: Path) -> None:
    """Let everybody enter what is above a path: pytest's own directories are for root alone."""
    for above in path.parents[:-2]:
        if not above.stat().st_mode & 0o001:
            above.chmod(above.stat().st_mode | 0o011)


def with_base(home: Path, ranges: bool) -> Account:
    """Make the user, and the base image in the user's own store; blocked where that cannot be."""
    if ranges and not (shutil.which("newuidmap") and os.path.exists("/etc/subuid")):
        pytest.skip("blocked: no newuidmap (apt-get install uidmap)")
    let_through(home)
    account = Account(home, ranges)
    done = account("image", "build-base")
    if "Permission denied" in done.stderr or "cannot open" in done.stderr:
        pytest.skip("blocked: an ordinary user cannot read this course (make test in /srv, say)")
    assert done.returncode == 0, done.stderr
    return account


@contextlib.contextmanager
def running_cat(user: Account, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """A container whose command is cat, once it runs; it is ended in the end."""
    process = subprocess.Popen(
        user.argv("run", "-i", "--rm", *options, "base", "cat"),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/",
    )  # fmt: skip
    try:
        assert process.stdin and process.stdout
        process.stdin.write(b"ready\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"ready\n"
        yield process
    finally:
        process.communicate(timeout=30)


@pytest.fixture(scope="module", params=["subordinate ids", "one id"])
def user(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """The user, with the base image; everybody may enter the directories above the home."""
    account = with_base(tmp_path_factory.mktemp("home"), request.param == "subordinate ids")
    yield account
    done = account("prune")
    assert done.returncode == 0, done.stderr
    assert [p.name for p in (account.store / "containers").iterdir()] == ["names"]


def test_root_inside_is_the_user_outside(user: Account) -> None:
    done = user("run", "--rm", "base", "sh", "-c", "id; cat /proc/self/uid_map /proc/self/setgroups")
    assert done.returncode == 0, done.stderr
    first, *lines = done.stdout.splitlines()
    assert first.startswith("uid=0(root) gid=0(root)")
    numbers = [line.split() for line in lines]
    if user.ranges:
        assert numbers == [["0", str(UID), "1"], ["1", str(FIRST), str(COUNT)], ["allow"]]
    else:
        assert numbers == [["0", str(UID), "1"], ["deny"]]


def test_the_command_is_the_users_own_process(user: Account) -> None:
    """Seen from the host, by its number there: the ids, and every capability in its namespace only."""
    with running_cat(user, "--cap-drop", "ALL", "--cap-add", "CHOWN") as process:
        pid = child_named("cat", process.pid)
        status = dict(
            line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
            if ":\t" in line
        )  # fmt: skip
        assert set(status["Uid"].split()) == set(status["Gid"].split()) == {str(UID)}
        assert int(status["CapEff"], 16) == 1  # CAP_CHOWN, over this namespace's files
        assert os.readlink(f"/proc/{pid}/ns/user") != os.readlink("/proc/self/ns/user")


def child_named(name: str, above: int) -> int:
    """The process of this name below another one."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                comm, ancestors = (entry / "comm").read_text().strip(), lineage(int(entry.name))
            except (OSError, IndexError):
                continue
            if comm == name and above in ancestors:
                return int(entry.name)
    raise AssertionError(f"no {name} below {above}")


def lineage(pid: int) -> list[int]:
    """A process and its ancestors."""
    found = [pid]
    while found[-1] > 1:
        stat = Path(f"/proc/{found[-1]}/stat").read_text()
        found.append(int(stat.rpartition(")")[2].split()[1]))
    return found


def test_what_is_made_belongs_to_the_right_ids_outside(user: Account) -> None:
    (user.home / "data").mkdir(exist_ok=True)
    os.chown(user.home / "data", UID, UID)
    script = "echo hello > /data/of-root; chmod 600 /data/of-root"
    if user.ranges:
        script += "; touch /data/of-1000; chown 1000:1000 /data/of-1000"
    done = user("run", "--rm", "-v", f"{user.home}/data:/data", "base", "sh", "-c", script)
    assert done.returncode == 0, done.stderr
    owners = {p.name: (p.stat().st_uid, p.stat().st_gid) for p in (user.home / "data").iterdir()}
    assert owners["of-root"] == (UID, UID)
    if user.ranges:
        assert owners["of-1000"] == (FIRST + 999, FIRST + 999)


def test_a_file_of_the_hosts_root_is_safe(user: Account, tmp_path_factory: object) -> None:
    secret = user.home / "secret"
    secret.write_text("of root\n")
    secret.chmod(0o600)
    script = "id -u; cat /s; echo changed > /s; chown 0 /s; chmod 666 /s; mount -t tmpfs x /s"
    done = user("run", "--rm", "-v", f"{secret}:/s", "base", "sh", "-c", script)
    assert done.stdout == "0\n"
    assert done.stderr.count("Permission denied") >= 2
    assert secret.read_text() == "of root\n" and secret.stat().st_mode & 0o777 == 0o600
    assert secret.stat().st_uid == 0


def test_capabilities_inside_have_no_power_outside(user: Account) -> None:
    """Every capability is held, and the host's clock, name and devices are out of reach."""
    script = (
        "grep CapEff /proc/self/status; date -s 2000-01-01; mknod /d b 8 0; "
        "echo 1 > /proc/sys/kernel/sysrq; mount -t ext4 /dev/vda /mnt"
    )
    done = user("run", "--rm", "--privileged", "base", "sh", "-c", script)
    assert int(done.stdout.split()[1], 16) & (1 << 21)  # CAP_SYS_ADMIN
    assert done.stderr.count("not permitted") + done.stderr.count("denied") >= 3, done.stderr
    assert time.time() > 1_700_000_000


def test_a_terminal_an_init_and_another_user(user: Account) -> None:
    import pexpect

    line = user.argv("run", "-it", "--rm", "base", "sh")
    session = pexpect.spawn(line[0], line[1:], encoding="utf-8", cwd="/", timeout=30)
    session.expect("# ")
    session.sendline("tty; stty size")
    session.expect("/dev/")
    session.sendline("exit 4")
    session.expect(pexpect.EOF)
    session.close()
    assert session.exitstatus == 4
    done = user("run", "--rm", "-u", "1000", "base", "id", "-u")
    if user.ranges:
        assert done.stdout == "1000\n", done.stderr
    else:
        assert done.returncode == 125 and "EINVAL" in done.stderr


def test_a_path_of_roots_and_networks_that_this_user_cannot_have(user: Account, tmp_path: Path) -> None:
    """`su` and `sudo -u` leave root's PATH as it is, with directories that are closed to others."""
    (tmp_path / "closed").mkdir(mode=0o700)
    run = ("run", "--rm", "base", "echo", "hello")
    done = subprocess.run(user.argv(*run, path=f"{tmp_path}/closed/bin:{tmp_path}/closed:"), text=True,
                          capture_output=True, timeout=60, cwd="/", stdin=subprocess.DEVNULL)  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "hello\n"), done
    assert user("network", "ls", "-q").stdout == "bridge\nhost\nnone\n"
    for words in (("network", "prune"), ("prune",)):
        done = user(*words)
        assert (done.returncode, done.stderr) == (0, ""), done


def test_an_id_that_is_not_mapped_is_told_with_the_remedy(user: Account) -> None:
    for asked in ("2000000000", "0:2000000000"):
        done = user("run", "--rm", "--network", "none", "-u", asked, "base", "true")
        assert done.returncode == 125 and "this user namespace has no such id" in done.stderr


def test_nothing_is_left_even_of_subordinate_ids(user: Account) -> None:
    script = "mkdir -p /deep/er; touch /deep/er/x; chmod 0 /deep/er; chown -R 7:7 /deep 2>/dev/null; true"
    assert user("run", "--name", "left", "base", "sh", "-c", script).returncode == 0
    listed = user("ps", "-a").stdout
    assert "left" in listed and "Exited (0)" in listed
    assert "A /deep" in user("diff", "left").stdout or not user.ranges
    assert user("rm", "left").returncode == 0
    assert [p.name for p in (user.store / "containers").iterdir()] == ["names"]


def test_a_killed_run_leaves_what_prune_removes(user: Account) -> None:
    process = subprocess.Popen(
        user.argv("run", "-i", "base", "sh", "-c", "touch /x; chown 9 /x; echo up; cat"),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/",
    )  # fmt: skip
    assert process.stdout
    assert process.stdout.readline() == b"up\n"
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        user("prune")
        if [p.name for p in (user.store / "containers").iterdir()] == ["names"]:
            return
        time.sleep(0.1)
    raise AssertionError("prune left a container")


def test_a_limit_without_a_cgroup_is_blocked_with_the_remedy(user: Account) -> None:
    if os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
        pytest.skip("blocked: here it may be possible; the lab machine's tests show it")
    done = user("run", "--rm", "-m", "64m", "base", "true")
    assert done.returncode == 125 and "cgroup" in done.stderr


@pytest.mark.parametrize("option", ["--ipc", "--pid", "--network"])
def test_another_container_cannot_be_joined(user: Account, option: str) -> None:
    with running_cat(user, "--name", "first"):
        done = user("run", "--rm", option, "container:first", "base", "true")
        assert done.returncode == 125
        assert "an ordinary user's container cannot join another one" in done.stderr


# --- asked for by root ----------------------------------------------------------------------


def test_root_can_ask_for_ids_that_nobody_has(minidocker: Run) -> None:
    """Also with a store that those ids may not walk to: the tests' own is for root alone."""
    script = "id -u; cat /proc/self/uid_map; touch /x; ls -ln /x /bin/busybox | cut -c-40"
    done = minidocker("run", "--rm", "--uidmap", "0:700000:1000", "base", "sh", "-c", script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "0"
    assert done.stdout.split()[1:4] == ["0", "700000", "1000"]
    assert minidocker("run", "--rm", "--userns", "private", "base", "id", "-u").stdout == "0\n"


@pytest.mark.parametrize("ids", [["--userns", "private"], ["--uidmap", "0:700000:1000"]])
def test_a_containers_directory_stays_roots_whoever_has_its_ids(
    minidocker: Run, shared_store: Path, ids: list[str]
) -> None:
    """A user with these subordinate ids could put another record there, or a link for `upper`."""
    name = f"ids-{os.urandom(3).hex()}"
    script = "cut -c-32 /proc/self/uid_map; stat -c '%u %a' / /etc/hosts /etc/resolv.conf"
    for verb in (["run", "--name", name, *ids, "base", "sh", "-c", script], ["start", "-a", name]):
        done = minidocker(*verb)
        assert done.returncode == 0, done.stderr
        first, *seen = done.stdout.splitlines()
        assert seen == ["0 755", "0 644", "0 644"]
    outer = int(first.split()[1])
    for file in ("/etc/subuid", "/etc/subgid"):
        lines = [line.split(":") for line in Path(file).read_text().splitlines()]
        if ids[0] == "--userns":
            assert not [1 for _, low, count in lines if int(low) <= outer < int(low) + int(count)]
    id = minidocker("inspect", "-f", "{{.Id}}", name).stdout.strip()
    directory = shared_store / "containers" / id
    assert {one: (os.lstat(directory / one).st_uid, os.lstat(directory / one).st_gid)
            for one in ("", "record.json", "lock", "upper")} == {
        "": (0, outer), "record.json": (0, 0), "lock": (0, 0), "upper": (outer, outer)}  # fmt: skip
    assert os.lstat(directory).st_mode & 0o7777 == 0o710
    assert minidocker("rm", name).returncode == 0 and not directory.exists()


def test_the_maps_are_told_before_they_are_written(minidocker: Run) -> None:
    done = minidocker("run", "--dry-run", "--uidmap", "0:700000:1000", "base", "true")
    assert "uid_map" in done.stdout + done.stderr
    assert "0 700000 1000" in done.stdout + done.stderr
    assert "setresuid(0, 0, 0)" in done.stdout + done.stderr


@pytest.mark.parametrize(
    "words",
    [["--userns", "moon"], ["--uidmap", "0:1"], ["--userns", "host", "--uidmap", "0:1:1"],
     ["--uidmap", "0:700000:1000", "--stages", "..rootfs"]],
)  # fmt: skip
def test_a_wrong_wish_is_one_sentence(minidocker: Run, words: list[str]) -> None:
    done = minidocker("run", *words, "base", "true")
    assert done.returncode == 125
    assert done.stderr.startswith("minidocker: ") and "Traceback" not in done.stderr


@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "one id"])
def test_the_doctor_tells_what_works_for_this_user(tmp_path: Path, ranges: bool) -> None:
    let_through(tmp_path)
    user = Account(tmp_path, ranges)
    done = user("doctor", "--json")
    found = {item["id"]: item for item in json.loads(done.stdout)["findings"]}
    assert str(user.store) in found["store"]["seen"]
    assert found["rootless"]["state"] == "ok", found["rootless"]
    if shutil.which("newuidmap") and os.path.exists("/etc/subuid"):
        assert found["subids"]["state"] == ("ok" if ranges else "gap")
        assert ranges or "usermod --add-subuids" in found["subids"]["fix"]
    assert "You can run containers as this user" in user("doctor").stdout
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".minidocker")]


def test_images_travel(user: Account, tmp_path: Path) -> None:
    """Push, pull, save, load and export work for an ordinary user, and owners inside stay."""
    registry = Registry(str(tmp_path / "reg")).start()
    full = f"{registry.address}/lab/mine:1"

    def run(*words: str) -> str:
        done = user(*words)
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

    try:
        owner = "7:8" if user.ranges else "0:0"
        run("run", "--name", "travels", "base", "sh", "-c", f"echo x > /x && chown {owner} /x")
        run("commit", "travels", full)
        run("export", "travels", "-o", f"{user.home}/travels.tar")
        run("rm", "travels")
        run("push", full)
        run("save", full, "-o", f"{user.home}/saved.tar")
        for back in (("pull", full), ("load", "-i", f"{user.home}/saved.tar")):
            run("rmi", full)
            run("prune")
            run(*back)
            assert run("run", "--rm", full, "stat", "-c", "%u:%g", "/x") == owner + "\n"
            assert run("image", "check").startswith("the store is whole")
        run("import", f"{user.home}/travels.tar", "flat")
        assert run("run", "--rm", "flat", "stat", "-c", "%u:%g", "/x") == owner + "\n"
        run("rmi", full, "flat")
    finally:
        registry.close()


def test_copies_to_and_from_what_runs_and_what_has_ended(user: Account) -> None:
    (user.home / "mine").write_text("mine\n")
    os.chown(user.home / "mine", UID, UID)
    with running_cat(user, "--name", "copied"):
        done = user("cp", f"{user.home}/mine", "copied:/etc/mine")
        assert done.returncode == 0, done.stderr
        assert user("cp", "copied:/etc/mine", f"{user.home}/back").returncode == 0
    assert (user.home / "back").read_text() == "mine\n"
    assert (user.home / "back").stat().st_uid == UID
    assert user("run", "--name", "stopped", "base", "sh", "-c", "echo x > /x").returncode == 0
    assert user("cp", f"{user.home}/mine", "stopped:/mine").returncode == 0
    assert user("cp", "stopped:/x", f"{user.home}/x").returncode == 0
    assert (user.home / "x").read_text() == "x\n" and (user.home / "x").stat().st_uid == UID
    assert "A /mine" in user("diff", "stopped").stdout
    assert user("rm", "stopped").returncode == 0


def test_a_dockerfile_is_built(user: Account, tmp_path: Path) -> None:
    context = user.home / "context"
    context.mkdir()
    (context / "Dockerfile").write_text(BUILD if user.ranges else OF_ONE_ID)
    done = user("build", "--network", "none", "-t", "mine", str(context))
    assert done.returncode == 0, done.stderr
    again = user("build", "--network", "none", "-t", "mine", str(context))
    assert (again.stdout, again.stderr.count("CACHED")) == (done.stdout, 3 if user.ranges else 2)
    owner = "nobody" if user.ranges else "root"
    assert user("run", "--rm", "--network", "none", "mine").stdout.split() == [owner] * 2
    assert user("image", "check").returncode == 0
    assert "removed build cache" in user("system", "prune").stdout
    assert user("rmi", "mine").returncode == 0


def test_the_learners_functions_make_images(user: Account) -> None:
    """commit, build and image blame with --mine, where files have many owners or one."""
    mine = user.home / "exercises"
    shutil.copytree(REPOSITORY / "exercises", mine, dirs_exist_ok=True)
    shutil.copy(REPOSITORY / "solutions/12_layers.py", mine)
    context = user.home / "leaky"
    context.mkdir()
    (context / "Dockerfile").write_text("FROM base\nCOPY Dockerfile /key\nRUN rm /key; id -u > /ran\n")

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        argv = user.argv(*words)
        argv[4] = argv[4].replace(" env -i ", f" env -i MINIDOCKER_EXERCISES={mine} ")
        return subprocess.run(argv, capture_output=True, text=True, timeout=60, cwd="/")

    done = run("build", "--mine", "--network", "none", "-t", "leaky", str(context))
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("your cache_key named this step") == 2
    assert done.stderr.count("your pack made this layer") == 1
    done = run("image", "blame", "--mine", "leaky", "/key")
    assert done.stdout.startswith("deletes: ") and "still in: " in done.stdout, done.stderr
    run("run", "--name", "leak", "leaky", "sh", "-c", "rm /ran; mkdir -p /a; echo hi > /a/b")
    done = run("commit", "--mine", "leak", "again")
    assert done.returncode == 0 and "your pack made this layer" in done.stderr, done.stderr
    assert run("rm", "leak").returncode == 0
    assert user("run", "--rm", "again", "sh", "-c", "cat /a/b; ls /ran").stdout == "hi\n"
    assert "whole" in user("image", "check").stdout
