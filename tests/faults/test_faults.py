"""Every call of a run fails once: what then comes is a sentence or the same container, all its walls.

A few points are tried in each test run, the same ones each time; `make faults` tries all of them.
MINIDOCKER_FAULTS is a number of points, or "all"; MINIDOCKER_SEED draws others, 0 by chance.
"""

from __future__ import annotations

import errno
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import injector
import pytest

pytestmark = pytest.mark.needs("root", "pidns", "mntns", "overlay")

SEED = int(os.environ.get("MINIDOCKER_SEED", "1")) or random.SystemRandom().randrange(1 << 32)
HOW_MANY = os.environ.get("MINIDOCKER_FAULTS", "40")
ERRNOS = (errno.EIO, errno.EACCES, errno.ENOSPC)
# What the container's walls look like from inside.
XRAY = r"""
grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp:|Sig(Blk|Ign))' /proc/self/status
cut -d' ' -f4,5,6,9- /proc/self/mountinfo | sed 's,lowerdir=[^ ]*,,; s/\/containers\/[0-9a-f]*/ID/g' | sort
for f in keys kcore timer_list interrupts; do [ -e /proc/$f ] && wc -c < /proc/$f 2>&1; done
ls /sys/firmware | wc -l; echo $$; hostname; umask; pwd; env | sort; ulimit -a
for n in 3 4 5 6 7 8 9 10 11 12 13 14 15; do [ -e /proc/$$/fd/$n ] && echo open $n; done
ls -l /proc/self/ns | grep -c :; id; ls -ln /dev | awk '{print $1,$3,$4,$NF}'
(echo x > /proc/sys/kernel/core_pattern) 2>&1; (mknod /tmp/n b 8 0 && head -c1 /tmp/n) 2>&1
echo THE END
"""
# The network's calls, two thirds of a run's, fail in the first way: the others go without.
WAYS = {
    "plain": (),
    "init": ("--init", "--network", "none"),
    "user": ("--user", "1000:1000", "--security-opt", "no-new-privileges", "--read-only", "--tmpfs", "/x",
             "--network", "none"),
    "terminal": ("-t", "--network", "none"),
    "volume": ("-v", "/usr/share/doc:/doc:ro", "--network", "none"),
}  # fmt: skip
TRACEBACK = re.compile(r"Traceback|^\w*(Error|Exception)\b", re.M)  # not nft's own "Error:"
# What a refusal must name: a call, or the program or module that failed, or the file.
CALL = re.compile(
    r"cannot run|\w+…?\(\d\)|PR_\w+|fork\+execve|_SET\w*"
    r"|: (ip|nft|nsenter|tc): |^minidocker: .*[a-z]: /\S+$|No module named|cannot import name",
    re.M,
)


def words(way: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "minidocker",
        "run",
        "--rm",
        "-h",
        "box",
        *WAYS[way],
        "base",
        "sh",
        "-c",
        XRAY,
    ]


def left(store: Path, env: dict[str, str]) -> list[str]:
    """What is still there after prune: containers, mounts, cgroups, processes."""
    done = subprocess.run(
        [sys.executable, "-m", "minidocker", "prune"],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
    )
    found = [] if done.returncode == 0 else [f"prune: {done.stderr}"]
    for place, rest in (("containers", {"names"}), ("containers/names", set()), ("partial", set())):
        if os.path.isdir(store / place):
            found += [f"{place}/{name}" for name in os.listdir(store / place) if name not in rest]
    found += [
        line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(store) in line
    ]
    found += [name for name in os.listdir(store) if name.startswith(".overlay")]
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            environ = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            continue
        if f"MINIDOCKER_ROOT={store}".encode() in environ and int(pid) != os.getpid():
            found.append(f"process {pid}")
    return found


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory, command: list[str]) -> dict[str, str]:
    """A store of this module's own: what is left in it is ours."""
    found = {**os.environ, "MINIDOCKER_ROOT": str(tmp_path_factory.mktemp("faults")), "LC_ALL": "C"}
    subprocess.run([*command, "image", "build-base"], env=found, check=True, capture_output=True)
    return found


@pytest.mark.parametrize("way", WAYS)
def test_a_call_that_fails_takes_no_wall_away(way: str, env: dict[str, str]) -> None:
    store = Path(env["MINIDOCKER_ROOT"])
    whole = injector.run(words(way), env)
    assert whole.status == 0 and "THE END" in whole.output, whole.errors
    dice = random.Random(f"{SEED}{way}")
    points = [(n, e) for n in range(1, whole.count + 1) for e in ERRNOS]
    if HOW_MANY != "all":
        points = dice.sample(points, max(1, int(HOW_MANY) // len(WAYS)))
    print(f"MINIDOCKER_SEED={SEED}: {len(points)} of {whole.count * len(ERRNOS)} points")
    wrong = [text for point in points if (text := judge(way, point, whole, env, store))]
    assert not wrong, f"{len(wrong)} of {len(points)}, MINIDOCKER_SEED={SEED}\n" + "\n".join(wrong)


def judge(
    way: str, point: tuple[int, int], whole: injector.Result, env: dict[str, str], store: Path
) -> str:
    """Run once with this point failing; say what is wrong, or ""."""
    number, code = point
    run = injector.run(words(way), env, number, code)
    about = f"{way} {number} {errno.errorcode[code]} ({run.failed}): "
    if run.status is None:
        return about + f"hangs {run.errors}"
    if TRACEBACK.search(run.errors):
        return about + f"traceback {run.errors}"
    if "THE END" in run.output and run.output != whole.output:
        ours, theirs = run.output.splitlines(), whole.output.splitlines()
        return (
            about
            + f"another wall: {[a for a in ours if a not in theirs]} for {[b for b in theirs if b not in ours]}"
        )
    if run.status == 0 and "THE END" not in run.output:
        return about + f"status 0 and nothing has run: {run.output[-200:]} {run.errors}"
    if run.status != 0 and "THE END" in run.output and run.status != 125:
        return about + f"another status: {run.status} {run.errors}"
    if run.status in (125, 126, 127) and not CALL.search(run.errors):
        return about + f"no call is named: {run.errors!r}"
    if still := left(store, env):
        return about + f"left: {still}"
    return ""


# --- killed ----------------------------------------------------------------------------------


def killed(argv: list[str], env: dict[str, str], at: int) -> None:
    """Run a program and kill it, and nobody else, at its `at`th call."""
    injector.run(argv, env, kill=lambda count: count == at, seconds=20)


@pytest.mark.parametrize(
    "what", ["run", "init", "publish", "import", "commit", "prune", "image rm"]
)
def test_a_kill_at_any_moment_leaves_nothing_that_prune_does_not_take(
    what: str, env: dict[str, str], tmp_path: Path
) -> None:
    store = Path(env["MINIDOCKER_ROOT"])
    me = [sys.executable, "-m", "minidocker"]
    dice = random.Random(f"{SEED}{what}")
    rounds = 60 if HOW_MANY == "all" else max(1, int(HOW_MANY) // 10)
    print(f"MINIDOCKER_SEED={SEED}: {rounds} kills of {what}")
    prepare, argv = commands(what, me, env, tmp_path)
    prepare()
    whole = injector.run(argv, env)
    most = whole.count
    assert whole.status == 0 and most, whole.errors
    for _ in range(rounds):
        left(store, env)
        prepare()
        at = dice.randrange(1, most + 1)
        killed(argv, env, at)
        end = time.monotonic() + 5
        while (still := left(store, env)) and time.monotonic() < end:
            time.sleep(0.05)  # the container dies by PDEATHSIG, not at once
        assert not still, f"MINIDOCKER_SEED={SEED}, killed at call {at} of {most}: {still}"
    done = subprocess.run(
        [*me, "run", "--rm", "base", "true"], env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def commands(
    what: str, me: list[str], env: dict[str, str], tmp_path: Path
) -> tuple[Callable[[], None], list[str]]:
    """What must be there before, and the command that is killed."""

    def do(*argv: str) -> None:
        subprocess.run([*me, *argv], env=env, capture_output=True, timeout=60)

    def archive() -> None:
        rootfs = tmp_path / "rootfs"
        (rootfs / "bin").mkdir(parents=True, exist_ok=True)
        for number in range(30):
            (rootfs / f"file{number}").write_text(str(number) * 100)
        subprocess.run(["tar", "-C", str(rootfs), "-cf", str(tmp_path / "x.tar"), "."], check=True)

    def ended() -> None:
        do("image", "rm", "made")
        do("rm", "one")
        do("run", "--name", "one", "base", "sh", "-c", "echo x > /new")

    def doomed() -> None:
        archive()
        do("image", "import", "doomed", str(tmp_path / "x.tar"))

    plain = [*me, "run", "--rm"]
    return {
        "run": (lambda: None, [*plain, "base", "true"]),
        "init": (lambda: None, [*plain, "--init", "base", "sleep", "0.2"]),
        "publish": (lambda: None, [*plain, "-p", "127.0.0.1:18765:80", "base", "true"]),
        "import": (archive, [*me, "image", "import", "imported", str(tmp_path / "x.tar")]),
        "commit": (ended, [*me, "commit", "one", "made"]),
        "prune": (ended, [*me, "prune"]),
        "image rm": (doomed, [*me, "image", "rm", "doomed"]),
    }[what]
