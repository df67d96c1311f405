"""What the store withstands: kills at random moments, a full disk, many at once. It stays whole."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from images_shelf import ROOTFS, Shelved, config_of
from images_trees import archive, member

from minidocker.build import layers
from minidocker.build.dockerfile import parse
from minidocker.build.ignore import Ignore
from minidocker.build.request import Request
from minidocker.build.state import from_image
from minidocker.build.steps import Steps
from minidocker.errors import MinidockerError
from minidocker.images import importer, saved
from minidocker.images.commit import commit
from minidocker.images.packed import pack_layers
from minidocker.images.pull import pull
from minidocker.images.push import push, sources
from minidocker.images.registry.client import Client
from minidocker.images.registry.server import Registry
from minidocker.images.store import additions, carry, catalogue, changes, names, recipes
from minidocker.images.store.check import check
from minidocker.images.store.store import Store

SEED = int(os.environ.get("MINIDOCKER_SEED") or random.SystemRandom().randrange(10**6))
KILLS = int(os.environ.get("MINIDOCKER_KILLS") or 60)  # of all operations together
CALLS = ("rename", "link", "unlink", "symlink", "mkdir", "open", "write", "rmdir", "utime")
NOISE = [archive([member(f"n{n}/f{m}", random.Random(n * 9 + m).randbytes(20_000)) for m in range(9)])
         for n in range(3)]  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"))


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelved]:
    registry = Registry(str(tmp_path / "reg")).start()
    made = Shelved(registry)
    layers = [made.layer(tar) for tar in (ROOTFS, *NOISE)]
    made.image(*layers, config=config_of(ROOTFS, *NOISE))
    yield made
    registry.close()


def do_pull(store: Store, shelf: Shelved, tmp_path: Path) -> None:
    host, path, _ = names.split(shelf.full())
    with Client(host, path) as client:
        pull(store, shelf.full(), client)


def do_push(store: Store, shelf: Shelved, tmp_path: Path) -> None:
    full = f"{shelf.registry.address}/lab/up:1"
    additions.tag(store, "base:0", full)
    pack_layers(store, full)
    host, path, _ = names.split(full)
    with Client(host, path, actions="pull,push") as client:
        push(store, full, client, sources(store, full))


def do_load(store: Store, shelf: Shelved, tmp_path: Path) -> None:
    saved.load(store, str(tmp_path / "saved.tar"))


def do_commit(store: Store, shelf: Shelved, tmp_path: Path) -> None:
    step = {"created": "2026-01-01T00:00:00Z", "created_by": "x"}
    commit(store, "base:1", store.resolve("base:0").id[7:], str(tmp_path / "upper"), step)


def do_remove(store: Store, shelf: Shelved, tmp_path: Path) -> None:
    importer.import_tar(store, "gone:1", str(tmp_path / "x.tar"), ["CMD gone"])
    changes.remove(store, ["gone:1"])
    changes.prune(store)


def do_build(store: Store, shelf: Shelved, tmp_path: Path) -> None:
    """Every step of a Dockerfile but RUN, in this process: a RUN's container is killed elsewhere."""
    text = "FROM base:0\nWORKDIR /w\nCOPY upper /u/\nADD x.tar /a/\nCMD x\n"
    request = Request(
        store=store, title="Dockerfile", dockerfile=parse(text), context=str(tmp_path),
        ignore=Ignore(), args={}, secrets={}, labels={}, target="", no_cache=False, platform="",
        network="", pull=False, epoch=None, quiet=True, bring=lambda *_: None, say=lambda _: None,
    )  # fmt: skip
    state = from_image(store, store.resolve("base:0").id[7:], 1)
    steps = Steps(request, state, {}, {}, lambda *_: None)
    for one in request.dockerfile.stages[0].steps:
        steps.do(1, one)
    layers.put_image(store, ["built:1"], state.document(), [blob for _, blob in state.layers])


WORK = {
    "pull": do_pull, "push": do_push, "load": do_load, "commit": do_commit, "remove": do_remove,
    "build": do_build,
}  # fmt: skip
Work = Callable[[Store, Shelved, Path], None]


def prepare(store: Store, tmp_path: Path) -> None:
    """Put a small image into the store, and beside it what the work needs."""
    (tmp_path / "x.tar").write_bytes(ROOTFS)
    importer.import_tar(store, "base:0", str(tmp_path / "x.tar"))
    (tmp_path / "upper").mkdir()
    (tmp_path / "upper/new").write_bytes(b"n" * 50_000)
    other = Store(str(tmp_path / "other"))
    (tmp_path / "y.tar").write_bytes(NOISE[0])
    importer.import_tar(other, "loaded:1", str(tmp_path / "y.tar"))
    with open(tmp_path / "saved.tar", "wb") as out:
        saved.save(other, ["loaded:1"], out)


def counted(limit: int, then: Callable[[], None]) -> Callable[[], int]:
    """Count calls that change something, in all threads; at the `limit`th do `then`."""
    lock, count = threading.Lock(), [0]

    def wrap(real: Any) -> Any:
        def call(*args: Any, **more: Any) -> Any:
            with lock:
                count[0] += 1
                due = count[0] == limit
            if due:
                then()
            return real(*args, **more)

        return call

    for name in CALLS:
        setattr(os, name, wrap(getattr(os, name)))
    return lambda: count[0]


def in_a_child(work: Work, limit: int, *args: Any) -> int:
    """Do the work in a fork that is killed at its `limit`th call; -9, or how many it made."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        write = os.write
        try:
            made = counted(limit, lambda: os.kill(os.getpid(), signal.SIGKILL))
            work(*args)
            write(writing, str(made()).encode())
            os._exit(0)
        except BaseException as problem:
            write(writing, repr(problem).encode())
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading) as told:
        said = told.read()
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return -os.WTERMSIG(status)
    assert os.WEXITSTATUS(status) == 0, said
    return int(said)


def is_whole(store: Store) -> bool:
    carry.ready(store)
    damage, _ = check(store)
    return damage == []


@pytest.mark.parametrize("kind", WORK)
def test_a_kill_at_any_moment(store: Store, shelf: Shelved, tmp_path: Path, kind: str) -> None:
    """Repeat with MINIDOCKER_SEED; MINIDOCKER_KILLS=1000 for a long evening."""
    print(f"MINIDOCKER_SEED={SEED}")
    prepare(store, tmp_path)
    chance = random.Random(f"{SEED} {kind}")
    trial = Store(str(tmp_path / "trial"))
    subprocess.run(["cp", "-a", store.root, trial.root], check=True)
    calls = in_a_child(WORK[kind], 0, trial, shelf, tmp_path)
    killed = 0
    for _ in range(KILLS // len(WORK)):
        subprocess.run(["rm", "-rf", trial.root], check=True)
        subprocess.run(["cp", "-a", store.root, trial.root], check=True)
        moment = chance.randint(1, calls)
        killed += in_a_child(WORK[kind], moment, trial, shelf, tmp_path) == -signal.SIGKILL
        assert is_whole(trial), f"MINIDOCKER_SEED={SEED} {kind} {moment}"
        assert trial.resolve("base:0").layers
        WORK[kind](trial, shelf, tmp_path)
        assert is_whole(trial), f"MINIDOCKER_SEED={SEED} {kind} {moment}, and again"
        changes.prune(trial)
        left = [*os.listdir(trial.path("partial")), *_incoming(trial)]
        assert left == [], f"MINIDOCKER_SEED={SEED} {kind} {moment}"
    assert killed > KILLS // len(WORK) // 2


def _incoming(store: Store) -> list[str]:
    path = store.path("incoming")
    return os.listdir(path) if os.path.exists(path) else []


def test_a_killed_pull_is_resumed(store: Store, shelf: Shelved, tmp_path: Path) -> None:
    prepare(store, tmp_path)

    def killed_at_the_last_step(*args: Any) -> None:
        additions.put_image = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        do_pull(*args)

    assert in_a_child(killed_at_the_last_step, 0, store, shelf, tmp_path) == -signal.SIGKILL
    assert len(_incoming(store)) == 4
    lines: list[str] = []
    shelf.registry.log = lines.append
    do_pull(store, shelf, tmp_path)
    assert len([line for line in lines if "/blobs/" in line]) == 1  # the configuration
    assert is_whole(store)


@pytest.mark.parametrize("kind", ["pull", "load", "commit", "build"])
def test_the_disk_is_full_at_any_moment(
    store: Store, shelf: Shelved, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One call fails with ENOSPC; one sentence is said, and nothing of the work stays."""
    prepare(store, tmp_path)
    before = check(store)[1]
    trial = Store(str(tmp_path / "trial"))
    subprocess.run(["cp", "-a", store.root, trial.root], check=True)
    calls = in_a_child(WORK[kind], 0, trial, shelf, tmp_path)

    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    chance = random.Random(f"{SEED} full {kind}")
    print(f"MINIDOCKER_SEED={SEED}")
    for _ in range(10):
        moment = chance.randint(1, calls)
        with pytest.MonkeyPatch.context() as patch:
            for name in CALLS:
                patch.setattr(os, name, getattr(os, name))
            counted(moment, full)
            with contextlib.suppress(OSError, MinidockerError):
                WORK[kind](store, shelf, tmp_path)
        assert is_whole(store), f"MINIDOCKER_SEED={SEED} {kind} {moment}"
        recipes.forget(store)
        changes.prune(store)
        assert os.listdir(store.path("partial")) == []
        if set(catalogue.names(store)) == {"base:0"}:
            assert check(store)[1] == before, f"MINIDOCKER_SEED={SEED} {kind} {moment}"
        for name in set(catalogue.names(store)) - {"base:0"}:
            changes.remove(store, [name])
    assert check(store)[1] == before


ON_A_SMALL_DISK = """\
mount -t tmpfs -o size={size} none "$MINIDOCKER_ROOT"
{mini} pull -q {full} && echo pulled
{mini} image check
"""


@pytest.mark.needs("root")
@pytest.mark.parametrize(("size", "words"), [("70m", "needs"), ("72m", "too full"), ("200m", "")])
def test_a_small_disk(
    shelf: Shelved, command: list[str], tmp_path: Path, size: str, words: str
) -> None:
    zeros = archive([member("zeros", bytes(8 << 20))])  # 8 kB, packed: nobody can know
    shelf.image(shelf.layer(zeros), shelf.layer(os.urandom(2), ""), config=config_of(zeros, zeros))
    noise = archive([member("noise", os.urandom(3 << 20))])
    shelf.image(shelf.layer(noise, ""), shelf.layer(zeros), config=config_of(noise, zeros))
    place = tmp_path / "disk"
    place.mkdir()
    script = ON_A_SMALL_DISK.format(size=size, mini=" ".join(command), full=shelf.full())
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "env", f"MINIDOCKER_ROOT={place}",
         "sh", "-c", script],
        capture_output=True, text=True, timeout=120, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert ("pulled" in done.stdout) == (words == ""), done.stderr
    assert words in done.stderr
    assert "the store is whole" in done.stdout
    assert "Traceback" not in done.stderr


FIRST_SMALL_THEN_LARGE = """\
mount -t tmpfs -o size=68m none "$MINIDOCKER_ROOT"
{mini} load -q -i {archive}
{mini} image check
find "$MINIDOCKER_ROOT/partial" -mindepth 1
mount -o remount,size=200m none "$MINIDOCKER_ROOT"
{mini} load -q -i {archive}
{mini} image check
"""


@pytest.mark.needs("root")
def test_a_load_on_a_small_disk_goes_on_when_there_is_room(
    store: Store, shelf: Shelved, command: list[str], tmp_path: Path
) -> None:
    noise = archive([member("noise", os.urandom(3 << 20))])
    shelf.image(shelf.layer(noise, ""), config=config_of(noise))
    do_pull(store, shelf, tmp_path)
    saved = tmp_path / "image.tar"
    place = tmp_path / "disk"
    place.mkdir()
    env = {**os.environ, "MINIDOCKER_ROOT": store.root}
    repository = Path(__file__).parents[2]
    subprocess.run([*command, "save", "-o", saved, shelf.full()], env=env, check=True, timeout=60,
                   cwd=repository)  # fmt: skip
    script = FIRST_SMALL_THEN_LARGE.format(mini=" ".join(command), archive=saved)
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "env", f"MINIDOCKER_ROOT={place}",
         "sh", "-c", script],
        capture_output=True, text=True, timeout=120, cwd=repository,
    )  # fmt: skip
    assert "image.tar needs " in done.stderr and "67.1 MB stay free for others" in done.stderr
    assert "another MINIDOCKER_ROOT" in done.stderr and done.stderr.count("minidocker: ") == 1
    first, loaded, second = done.stdout.splitlines()
    assert "whole: 0 names" in first and loaded and "whole: 1 names" in second


def test_two_commands_at_once(shelf: Shelved, command: list[str], tmp_path: Path) -> None:
    env = {**os.environ, "MINIDOCKER_ROOT": str(tmp_path / "store")}
    begin = [*command, "pull", "-q", shelf.full()]
    pulls = [
        subprocess.Popen(begin, env=env, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE)
        for _ in range(3)
    ]
    said = {process.communicate(timeout=60)[0] for process in pulls}
    assert [process.returncode for process in pulls] == [0, 0, 0]
    assert len(said) == 1
    assert is_whole(Store(str(tmp_path / "store")))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_pull_ends_soon_and_leaves_the_store_whole(
    tmp_path: Path, number: int
) -> None:
    from minidocker.images.registry.faults import Faults

    registry = Registry(str(tmp_path / "reg"), faults=Faults(["slow"])).start()
    shelf = Shelved(registry)
    noise = archive([member("noise", os.urandom(3 << 20))])
    shelf.image(shelf.layer(noise, ""), config=config_of(noise))
    env = {**os.environ, "MINIDOCKER_ROOT": str(tmp_path / "store")}
    process = subprocess.Popen(
        [sys.executable, "-m", "minidocker", "pull", shelf.full()], env=env,
        cwd=Path(__file__).parents[2], stderr=subprocess.PIPE,
    )  # fmt: skip
    incoming = tmp_path / "store/incoming"
    while not (incoming.exists() and any(p.stat().st_size > 20_000 for p in incoming.iterdir())):
        assert process.poll() is None
        time.sleep(0.01)  # the registry is a thread of ours
    process.send_signal(number)
    _, told = process.communicate(timeout=10)
    assert process.returncode == (130 if number == signal.SIGINT else 143)
    assert b"Traceback" not in told
    assert os.listdir(tmp_path / "store/partial") == []
    assert is_whole(Store(str(tmp_path / "store")))
    registry.close()
