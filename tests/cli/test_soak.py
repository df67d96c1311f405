"""A soak: containers started, entered, stopped, killed and removed at random, and our processes too.

MINIDOCKER_SOAK is the number of containers, MINIDOCKER_SEED draws other steps (0: by chance).
"""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from keeping import ROOT

from minidocker.proc import living
from minidocker.runtime import reading

pytestmark = pytest.mark.needs("root", "pidns", "mntns", "overlay")

SEED = int(os.environ.get("MINIDOCKER_SEED", "1")) or random.SystemRandom().randrange(1 << 32)
HOW_MANY = int(os.environ.get("MINIDOCKER_SOAK", "100"))
MORE = 1000  # in `make test-more`
AT_ONCE = 3  # commands
AT_A_TIME = 20  # containers that one command removes in the end
STARTS = 6  # sides of the dice that start a container; the others are ten
COMMANDS = (
    ("sleep", "100"),
    ("sh", "-c", "trap 'exit 3' TERM; while :; do echo tick; sleep 0.05; done"),
    ("sh", "-c", "yes | head -n 50000; exit 5"),
    ("true",),
)
WAYS = ((), (), ("--rm",), ("-i",), ("-t",), ("--init",), ("--restart", "on-failure:2"),
        ("-v", "/data"), ("--health-cmd", "true", "--health-interval", "30ms"))  # fmt: skip


class Soak:
    """One store, its dice, and the commands under way."""

    def __init__(self, root: Path, command: list[str]) -> None:
        self.root = root
        self.command = command
        self.env = {**os.environ, "MINIDOCKER_ROOT": str(root)}
        self.dice = random.Random(SEED)
        self.running: list[tuple[list[str], subprocess.Popen[str], float]] = []
        self.made = 0
        self.wrong: list[str] = []

    def step(self) -> None:
        """Start one command more, or kill some of our processes."""
        names = [record["id"] for record in reading.records(str(self.root))]
        one = self.dice.choice(names) if names else ""
        verbs: list[Callable[[], object]] = [self.start] * STARTS
        if one:
            verbs += [
                lambda: self.say("exec", one, "echo", "here"),
                lambda: self.say("stop", "-t", "0", one),
                lambda: self.say("kill", "-s", self.dice.choice(("TERM", "KILL")), one),
                lambda: self.say("rm", "-fv", one),
                lambda: self.say("restart", "-t", "0", one),
                lambda: self.say("logs", "--tail", "3", one),
                lambda: self.say("ps", "-a"),
                lambda: self.kill(one),
                lambda: self.kill(one),
            ]
        self.dice.choice(verbs)()
        while len(self.running) >= AT_ONCE:
            self.wait(self.running.pop(0))

    def start(self) -> None:
        """Start a container."""
        self.made += 1
        words = (*self.dice.choice(WAYS), "base", *self.dice.choice(COMMANDS))
        self.say("run", "-d", "--network", "none", *words)

    def say(self, *words: str) -> None:
        """Start a command of ours."""
        started = subprocess.Popen(
            [*self.command, *words], env=self.env, cwd=ROOT, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.running.append(([*words], started, time.monotonic()))

    def wait(self, one: tuple[list[str], subprocess.Popen[str], float]) -> None:
        """Hear how a command ends: never by a traceback, never not at all."""
        words, process, _ = one
        try:
            _, errors = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            errors = "it hangs"
            self.wrong.append(f"{words}: {errors}")
        if "Traceback" in errors:
            self.wrong.append(f"{words}: {errors}")

    def kill(self, id: str) -> None:
        """Kill the keeper of a container, its standby, or both."""
        for record in reading.records(str(self.root)):
            if record["id"] == id:
                for role in self.dice.choice((("keeper",), ("standby",), ("keeper", "standby"))):
                    if pid := living.alive(str(record.get(role) or "")):
                        os.kill(pid, 9)

    def end(self) -> None:
        """Wait for all, and remove all."""
        while self.running:
            self.wait(self.running.pop(0))
        ids = [record["id"] for record in reading.records(str(self.root))]
        for some in (ids[place : place + AT_A_TIME] for place in range(0, len(ids), AT_A_TIME)):
            self.say("rm", "-fv", *some)
            self.wait(self.running.pop())
        self.say("prune")
        self.wait(self.running.pop())

    def processes(self) -> list[str]:
        """Every process that has this store in its environment."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                environ = Path(f"/proc/{pid}/environ").read_bytes()
                command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if f"MINIDOCKER_ROOT={self.root}".encode() in environ and int(pid) != os.getpid():
                found.append(f"{pid} {command}")
        return found


@pytest.mark.parametrize("how_many", [HOW_MANY, pytest.param(MORE, marks=pytest.mark.more)])
def test_a_soak_ends_with_the_host_as_it_was(
    how_many: int, tmp_path: Path, command: list[str], host_unchanged: None
) -> None:
    soak = Soak(tmp_path, command)
    subprocess.run([*command, "image", "build-base"], env=soak.env, check=True, capture_output=True)
    print(f"MINIDOCKER_SEED={SEED}")
    while soak.made < how_many:
        soak.step()
    soak.end()
    left = [name for name in os.listdir(tmp_path / "containers") if not name.startswith("names")]
    assert not soak.wrong, f"MINIDOCKER_SEED={SEED}\n" + "\n".join(soak.wrong)
    assert not left, f"MINIDOCKER_SEED={SEED}: {left}"
    end = time.monotonic() + 20
    while (still := soak.processes()) and time.monotonic() < end:
        time.sleep(0.05)
    assert not still, f"MINIDOCKER_SEED={SEED}: {still}"
    volumes = tmp_path / "volumes"
    assert not volumes.is_dir() or [one.name for one in volumes.iterdir()] == ["lock"]
