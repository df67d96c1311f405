"""Nothing is mounted in /proc or /sys, however the way there is written; masks hold under volumes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.needs("root", "pidns", "mntns", "overlay")
WORDS = "nothing may be mounted there"


@pytest.mark.parametrize(
    "place",
    ["/proc", "/proc/", "//proc", "/proc/self", "/proc//sys", "/x/../proc", "/proc/self/../keys", "/proc/1/ns",
     "/proc/sys/kernel/core_pattern", "/proc/meminfo/../keys", "/sys", "/sys/firmware", "/sys/kernel/mm",
     "/sys/fs/..", "/sys/fs/../firmware"],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["volume", "tmpfs", "device"])
def test_no_mount_in_proc_or_sys(
    minidocker: Callable, tmp_path: Path, place: str, kind: str
) -> None:
    options = {"volume": ("-v", f"{tmp_path}:{place}"), "tmpfs": ("--tmpfs", place),
               "device": (f"--device=/dev/null:{place}",)}[kind]  # fmt: skip
    done = minidocker("run", "--rm", *options, "base", "echo", "ran")
    assert (done.returncode, done.stdout) == (125, "")
    assert (
        WORDS in done.stderr
        or "openat2" in done.stderr
        or "open(2)" in done.stderr
        or "mkdir(2)" in done.stderr
    )


@pytest.mark.parametrize(
    "link", ["/proc", "/proc/sys", "proc/self", "../../proc/sys", "/sys", "/two"]
)
def test_a_link_of_the_images_is_followed_before_it_is_judged(
    minidocker: Callable, tmp_path: Path, link: str
) -> None:
    layer = tmp_path / "layer"
    (layer / "etc").mkdir(parents=True)
    (layer / "way").symlink_to(link)
    (layer / "two").symlink_to("/proc/self/task")
    for more in (("-v", f"{tmp_path}:/way"), ("--tmpfs", "/way")):
        done = minidocker("run", "--rm", "--layer", str(layer), *more, "/x")
        assert done.returncode == 125 and WORDS in done.stderr, done.stderr


def test_what_lxcfs_shows_and_cgroups_may_be_mounted(minidocker: Callable, tmp_path: Path) -> None:
    (tmp_path / "stat").write_text("mine\n")
    done = minidocker("run", "--rm", "-v", f"{tmp_path}/stat:/proc/stat:ro", "-v", "/sys/fs/cgroup:/sys/fs/cgroup:ro",
                      "base", "cat", "/proc/stat")  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "mine\n"), done.stderr


@pytest.mark.parametrize(
    "null", ["link to core_pattern", "file", "directory", "nothing", "other device"]
)
def test_a_volume_over_dev_masks_nothing_wrongly(
    minidocker: Callable, tmp_path: Path, null: str
) -> None:
    """CVE-2025-31133."""
    dev = tmp_path / "dev"
    dev.mkdir()
    match null:
        case "link to core_pattern":
            (dev / "null").symlink_to("/proc/sys/kernel/core_pattern")
        case "file":
            (dev / "null").write_text("")
        case "directory":
            (dev / "null").mkdir()
        case "other device":
            os.mknod(dev / "null", 0o20666, os.makedev(1, 5))
    done = minidocker("run", "--rm", "-v", f"{dev}:/dev", "base", "echo", "ran")
    assert (done.returncode, done.stdout) == (125, "")
    assert "1:3" in done.stderr or "open(2) on /dev/null" in done.stderr


def test_the_hosts_dev_as_a_volume_hides_as_ever(minidocker: Callable) -> None:
    script = "wc -c < /proc/keys; echo > /dev/null && echo alive"
    done = minidocker("run", "--rm", "-v", "/dev:/dev", "base", "sh", "-c", script)
    assert done.stdout.split() == ["0", "alive"], done.stderr


def test_a_console_in_a_volume_is_not_followed(minidocker: Callable, tmp_path: Path) -> None:
    """CVE-2025-52565: /dev/console, /dev/pts and /dev/ptmx as links of others."""
    dev = tmp_path / "dev"
    dev.mkdir()
    os.mknod(dev / "null", 0o20666, os.makedev(1, 3))
    (dev / "console").symlink_to("/proc/sysrq-trigger")
    (dev / "ptmx").symlink_to("pts/ptmx")
    done = minidocker("run", "--rm", "-t", "-v", f"{dev}:/dev", "base", "echo", "ran")
    assert done.returncode == 125 and "ran" not in done.stdout


EXCHANGING = """
import ctypes, os, sys
libc, parent = ctypes.CDLL(None), os.getppid()
one, two = (os.fsencode(name) for name in sys.argv[1:])
print("up", flush=True)
while os.getppid() == parent:
    for _ in range(1000):
        libc.renameat2(-100, one, -100, two, 2)  # RENAME_EXCHANGE
"""


@contextmanager
def exchanged(one: Path, two: Path) -> Iterator[None]:
    """Exchange two names all the time, as another container does that has the same volume."""
    words = [sys.executable, "-c", EXCHANGING, str(one), str(two)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout and process.stdout.readline() == "up\n"
        yield
    finally:
        process.kill()
        process.communicate(timeout=20)


def test_read_only_holds_when_another_renames_the_mount_point(
    minidocker: Callable, tmp_path: Path
) -> None:
    """What is made read-only is what was bound, not what has its name by then."""
    for name in ("shared/a", "shared/b", "kept", "other"):
        (tmp_path / name).mkdir(parents=True)
    volumes = ("-v", f"{tmp_path}/shared:/s", "-v", f"{tmp_path}/other:/s/b", "-v",
               f"{tmp_path}/kept:/s/a:ro")  # fmt: skip
    with exchanged(tmp_path / "shared/a", tmp_path / "shared/b"):
        for _ in range(12):
            done = minidocker("run", "--rm", *volumes, "base", "cat", "/proc/self/mountinfo")
            assert done.returncode == 0, done.stderr
            lines = [line.split() for line in done.stdout.splitlines()]
            flags = {words[3].rpartition("/")[2]: words[5].split(",") for words in lines}
            assert {"ro", "nosuid", "nodev"} <= set(flags["kept"]), done.stdout
            assert {"rw", "nosuid", "nodev"} <= set(flags["other"]), done.stdout


@pytest.mark.parametrize("name", ["proc", "dev", "sys"])
def test_a_root_whose_mount_point_becomes_a_link(
    minidocker: Callable, shared_store: Path, tmp_path: Path, name: str
) -> None:
    """The plan has looked; then it is a link to a directory of the host's. Nothing is made there."""
    base = next((shared_store / "layers" / "sha256").glob("*/fs"))
    root, outside = tmp_path / "root", tmp_path / "outside"
    subprocess.run(["cp", "-a", str(base), str(root)], check=True)
    for place in ("proc", "dev", "sys"):
        (root / place).mkdir(exist_ok=True)
    outside.mkdir()
    (root / "link").symlink_to(outside)
    with exchanged(root / name, root / "link"):
        for _ in range(12):
            done = minidocker("run", "--rm", "--rootfs", str(root), "true")
            assert done.returncode in (0, 125, 127) and "Traceback" not in done.stderr, done.stderr
            assert list(outside.iterdir()) == []


def test_a_root_is_shown_with_its_file_systems_in_place(
    minidocker: Callable, shared_store: Path, tmp_path: Path
) -> None:
    base = next((shared_store / "layers" / "sha256").glob("*/fs"))
    subprocess.run(["cp", "-a", str(base), f"{tmp_path}/root"], check=True)
    words = ("run", "--rm", "--network", "none", "--rootfs", f"{tmp_path}/root")
    script = (
        "cat /proc/sys/kernel/ostype; stat -c %t:%T /dev/null; ls -d /sys/class/net/lo; wc -c < /proc/keys;"
        "cut -d' ' -f5 /proc/self/mountinfo"
    )
    done = minidocker(*words, "sh", "-c", script)
    ostype, null, link, keys, *points = done.stdout.split()
    assert (ostype, null, link, keys) == ("Linux", "1:3", "/sys/class/net/lo", "0"), done.stderr
    assert {"/proc", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue", "/sys"} <= set(points)
    told = minidocker(*words[:2], "--explain", *words[2:], "true").stderr
    assert "--move" in told and f"{tmp_path}/root/dev" in told, told


SWAPS = """
import os
def mount_proc(kernel, root):
    kernel.mount("proc", root + "/proc", "proc")
    os.rename("{root}/{name}", "{root}/old")
    os.symlink("{outside}", "{root}/{name}")
"""


@pytest.mark.parametrize("name", ["proc", "dev", "sys"])
def test_a_link_that_comes_after_the_look_of_the_plan_ends_the_run(
    minidocker: Callable, shared_store: Path, tmp_path: Path, name: str
) -> None:
    base = next((shared_store / "layers" / "sha256").glob("*/fs"))
    root, outside = tmp_path / "root", tmp_path / "outside"
    subprocess.run(["cp", "-a", str(base), str(root)], check=True)
    outside.mkdir()
    for place in ("proc", "dev", "sys"):
        (root / place).mkdir(exist_ok=True)
    file = tmp_path / "swaps.py"
    file.write_text(SWAPS.format(root=root, name=name, outside=outside))
    done = minidocker(
        "run", "--rm", "--stage", f"mounts={file}", "--rootfs", str(root), "echo", "ran"
    )
    assert (done.returncode, done.stdout) == (125, "")
    assert "has become a symbolic link" in done.stderr, done.stderr
    assert list(outside.iterdir()) == []


PIVOTS_LATE = """
from minidocker.stages.rootfs import Rootfs
def pivot(kernel, new_root):
    for name in ("asked", "done"):
        with open("{here}/" + name, "r" if name == "done" else "w") as fifo:
            fifo.read() if name == "done" else None
    Rootfs.pivot(kernel, new_root)
"""


def test_a_root_whose_proc_is_renamed_before_the_masks(
    minidocker: Callable, shared_store: Path, tmp_path: Path
) -> None:
    """Another container on the same --rootfs moves the mounted /proc away, and leaves a false one."""
    base = next((shared_store / "layers" / "sha256").glob("*/fs"))
    root = tmp_path / "root"
    subprocess.run(["cp", "-a", str(base), str(root)], check=True)
    (root / "proc").mkdir(exist_ok=True)
    for name in ("asked", "done"):
        os.mkfifo(tmp_path / name)
    (tmp_path / "late.py").write_text(PIVOTS_LATE.format(here=tmp_path))

    def rename() -> None:
        (tmp_path / "asked").read_text()
        os.rename(root / "proc", root / "open")
        for name in ("self/fd", "sys"):
            (root / "proc" / name).mkdir(parents=True)
        for number in range(30):  # what masks would be made of
            os.mknod(root / f"proc/self/fd/{number}", 0o20666, os.makedev(1, 3))
        (tmp_path / "done").write_text("")

    other = threading.Thread(target=rename, daemon=True)
    other.start()
    done = minidocker(
        "run", "--rm", "--network", "none", "--stage", f"rootfs={tmp_path}/late.py",
        "--rootfs", str(root), "head", "-c1", "/open/keys",
    )  # fmt: skip
    other.join(20)
    assert (done.returncode, done.stdout) == (125, ""), done.stderr
    assert "/proc of the container is" in done.stderr and "renamed" in done.stderr


@pytest.mark.parametrize("owner", [54321, 65534])
@pytest.mark.parametrize("words", [("prune",), ("rm", "-f", "x"), ("ps",), ("run", "base", "true")])
def test_a_store_of_another_users_makes_root_do_nothing(
    command: list[str], tmp_path: Path, words: tuple[str, ...], owner: int
) -> None:
    """Its records say what is killed, unmounted and removed; here, which cgroup that is."""
    store, victim = tmp_path / "store", tmp_path / "victim"
    container = store / "containers/aaaaaaaaaaaa"
    container.mkdir(parents=True)
    (victim / "sub").mkdir(parents=True)
    (container / "lock").touch()
    (container / "record.json").write_text(json.dumps({
        "version": 1, "id": "aaaaaaaaaaaa", "name": "x", "image": "base", "status": "exited",
        "root": "", "facts": {"cgroup": str(victim)}, "spec": {},
    }))  # fmt: skip
    os.chown(store, owner, owner)
    env = {**os.environ, "MINIDOCKER_ROOT": str(store)}
    done = subprocess.run([*command, *words], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and f"belongs to user {owner}" in done.stderr, done
    assert os.listdir(victim) == ["sub"] and container.exists()


@pytest.mark.parametrize(
    ("mode", "owner", "said"),
    [(0o777, 0, "may be changed by everybody"), (0o1777, 54321, "holds containers, which belongs to user 54321"),
     (0o1777, 0, "")],
)  # fmt: skip
def test_in_a_store_where_everybody_may_write_all_must_be_roots(
    command: list[str], tmp_path: Path, mode: int, owner: int, said: str
) -> None:
    """As in /tmp: whoever comes first may make `containers` in it."""
    store = tmp_path / "store"
    (store / "containers").mkdir(parents=True)
    os.chown(store / "containers", owner, owner)
    store.chmod(mode)
    env = {**os.environ, "MINIDOCKER_ROOT": str(store)}
    done = subprocess.run([*command, "ps"], env=env, capture_output=True, text=True, timeout=60)
    assert (done.returncode != 0) == bool(said) and said in done.stderr, done


@pytest.mark.parametrize(("owner", "mode"), [(54321, 0o755), (65534, 0o755), (0, 0o777)])
@pytest.mark.parametrize("words", [("delete", "-f", "x"), ("list",), ("state", "x"), ("kill", "x", "KILL")])
def test_the_runtimes_records_are_not_another_users(
    command: list[str], tmp_path: Path, words: tuple[str, ...], owner: int, mode: int
) -> None:
    root, victim = tmp_path / "state", tmp_path / "victim"
    (victim / "sub").mkdir(parents=True)
    (root / "x").mkdir(parents=True)
    (root / "x/lock").touch()
    (root / "x/record.json").write_text(json.dumps({
        "version": 1, "id": "x", "status": "created", "root": "", "bundle": "/", "made": "", "annotations": {},
        "hooks": [], "command": "", "facts": {"cgroup": str(victim), "cgroups": [str(victim)]},
    }))  # fmt: skip
    for path in (root, root / "x"):
        os.chown(path, owner, owner)
    root.chmod(mode)
    line = [*command, "oci", "--root", str(root), *words]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "could make us do anything" in done.stderr, done
    assert os.listdir(victim) == ["sub"] and (root / "x").exists()
    os.chown(root, 0, 0)
    root.chmod(0o711)
    assert subprocess.run([*line[: len(command) + 3], "list", "-q"], capture_output=True, text=True, timeout=60).stdout == "x\n"
