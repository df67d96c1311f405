"""The lab machine under QEMU: up, pristine, from a snapshot in memory; down without a trace.

state()/NAME/       lock, box, settings.json, disk.qcow2 (a layer over the box, with snapshots),
                    sync.json (what both sides had last), console.log
runtime()/HASH/     the monitor's and ssh's sockets, whose names must be short
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from minidocker.doctor import lab_arch
from minidocker.errors import Conflict, MinidockerError, NotFound
from minidocker.vm import accel, build, course, places, qemu
from minidocker.vm.hardware import about, copy, free_port, hardware, number, pristine, runtime, tell
from minidocker.vm.phases import Phases
from minidocker.vm.ssh import Ssh
from minidocker.vm.sync import FOLDERS, Far, Sync, program
from minidocker.vm.sync_far import scan

PRISTINE = "pristine"
SSH, LAB = 22, 8888  # ports in the machine
BOOT = 300.0  # seconds until a boot counts as failed; emulation on a busy host needs up to 60
MARK = "/var/lib/minidocker-course"  # in the machine: which version of the course it holds
SYNCED = "/var/lib/minidocker-synced"  # in the machine: as old as the last look at its files


class Machine:
    """One machine, named. Every method that changes it holds its lock.

    A machine that is not `shared` gets the course and gives nothing back: for others' work.
    """

    def __init__(
        self, name: str = "lab", suite: str = "", shared: bool = True, directory: Path | None = None
    ) -> None:
        self.name = name
        self.shared = shared
        self.directory = directory or places.state() / f"{name}{lab_arch.chosen().tag}"
        self._suite = suite
        self._mark = ""
        self._tag = hashlib.sha256(str(self.directory).encode()).hexdigest()[:12]
        self.process = f"minidocker-{self._tag}"
        self.run = runtime() / self._tag

    # --- what is -----------------------------------------------------------------------

    @property
    def pid(self) -> int:
        """QEMU's process id, 0 when the machine is down."""
        return qemu.find(self.process)

    def facts(self) -> dict[str, Any]:
        """Return how the machine was started last; {} when it never was."""
        try:
            return dict(json.loads((self.directory / "settings.json").read_text()))
        except (OSError, ValueError):
            return {}

    def box(self) -> build.Box | None:
        """Return the box under the machine's disk."""
        with contextlib.suppress(OSError, ValueError, TypeError):
            directory = Path((self.directory / "box").read_text())
            return build.Box(directory, **json.loads((directory / "box.json").read_text()))
        return None

    def ssh(self, user: str = "root") -> Ssh:
        """Return the way in; NotFound when the machine is down."""
        box, facts = self.box(), self.facts()
        if not self.pid or box is None or "ports" not in facts:
            raise NotFound("the lab machine is down", "minidocker vm up", 1)
        return Ssh("127.0.0.1", facts["ports"][str(SSH)], box.key, self.run / user, user)

    def snapshots(self) -> dict[str, dict[str, Any]]:
        """Return {name: facts} of the saved states."""
        found = {}
        for path in sorted(self.directory.glob("snapshot-*.json")):
            with contextlib.suppress(ValueError):
                found[path.stem.removeprefix("snapshot-")] = json.loads(path.read_text())
        return found

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the machine's lock; wait for whoever has it, and say so."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open(self.directory / "lock", "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                print("another command is at work on the machine; waiting", file=sys.stderr)
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    # --- up ----------------------------------------------------------------------------

    def up(self, snapshot: str = PRISTINE) -> Ssh:
        """Bring the machine up, with the course as it is now; nothing to do when it is up."""
        with self.alone():
            if not self.pid or not self._marked():
                self._start(snapshot)
            self._course()
            return self.ssh()

    def restore(self, snapshot: str = PRISTINE) -> Ssh:
        """Put the machine back to a saved state, whatever was done to it."""
        with self.alone():
            if snapshot != PRISTINE and snapshot not in self.snapshots():
                raise NotFound(f"there is no snapshot {snapshot}", "minidocker vm status", 1)
            self._start(snapshot)
            self._course()
            return self.ssh()

    def _start(self, snapshot: str) -> None:
        """Start anew. Half a start, with no snapshot, would pass for a whole one: it is ended."""
        self._down()
        try:
            self._begin(snapshot)
        except BaseException:
            qemu.stop(self.process)
            raise

    def _begin(self, snapshot: str) -> None:
        """Begin from a snapshot where one fits, otherwise boot and save the pristine one."""
        phases = Phases(self.directory / "log")
        box = self._prepare_disk()
        wanted = self._settings(box)
        if snapshot == PRISTINE and PRISTINE not in self.snapshots():
            self._take_pristine(box, hardware(wanted))
        saved = self.snapshots().get(snapshot)
        if saved and saved["hardware"] == hardware(wanted):
            with phases("machine"):
                self._launch(wanted, snapshot)
                self._reach(60 * lab_arch.chosen().patience)
                if self._memory(snapshot).exists():
                    shutil.copyfile(self._memory(snapshot), self.directory / "sync.json")
                phases.result(f"{snapshot}, from its snapshot ({about(wanted)})")
            return
        if saved and snapshot != PRISTINE:
            raise MinidockerError(
                f"the snapshot {snapshot} was made on {saved['hardware']}, "
                f"and the machine would now have {hardware(wanted)}",
                "set MINIDOCKER_CPUS, MINIDOCKER_MEMORY and MINIDOCKER_ACCEL as they were",
            )
        with phases("boot"):
            self._launch(wanted, "")
            self._reach(BOOT * lab_arch.chosen().patience)
            phases.result(about(wanted))
        with phases("course"):
            self._course()
            # Let the boot come to its end: what still starts would start again at each restore.
            self.ssh().shell("systemctl is-system-running --wait; /minidocker/guest/measure; sync")
        with phases("snapshot"):
            self._save(PRISTINE)
            self._give_pristine(box, hardware(wanted))

    def _give_pristine(self, box: build.Box, wanted: str) -> None:
        """Lay a copy of the disk with its snapshot beside the box: other machines begin with it."""
        kept = pristine(box, wanted)
        with qemu.Monitor(self.run / "qmp") as monitor:
            monitor.ask("stop")  # QEMU writes down what it holds in memory about the disk
            try:
                copy(self.directory / "disk.qcow2", kept)
            finally:
                monitor.ask("cont")

    def _take_pristine(self, box: build.Box, wanted: str) -> None:
        """Let a machine that has nothing to go back to begin with a copy of that disk."""
        kept = pristine(box, wanted)
        if not kept.exists():
            return
        copy(kept, self.directory / "disk.qcow2")
        facts = {"hardware": wanted, "at": kept.stat().st_mtime}
        (self.directory / f"snapshot-{PRISTINE}.json").write_text(json.dumps(facts))

    def _prepare_disk(self) -> build.Box:
        """Have a box, and a disk over it; another box means another disk."""
        suite = self._suite or os.environ.get("MINIDOCKER_SUITE", "bookworm")
        build.need_to_boot(suite)
        box, disk = build.build(suite), self.directory / "disk.qcow2"
        before = self.box()
        if disk.exists() and before == box:
            return box
        self._forget()
        subprocess.run(
            ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", box.disk, disk],
            check=True,
        )
        (self.directory / "box").write_text(str(box.directory))
        return box

    def _settings(self, box: build.Box) -> qemu.Settings:
        ports = {SSH: free_port(), LAB: free_port(8888)}
        return qemu.Settings(
            self.process, box.kernel, box.initrd, self.directory / "disk.qcow2", self.run,
            accel.choose(box.kernel), number("MINIDOCKER_CPUS", 2, 1, 64),
            number("MINIDOCKER_MEMORY", 1024, 512, 1 << 20), ports,
        )  # fmt: skip

    def _launch(self, wanted: qemu.Settings, snapshot: str) -> None:
        facts = {
            "ports": wanted.ports, "hardware": hardware(wanted), "cpus": wanted.cpus,
            "memory": wanted.memory, "accelerator": wanted.accelerator.name,
            "reason": wanted.accelerator.reason,
        }  # fmt: skip
        (self.directory / "settings.json").write_text(json.dumps(facts))
        self.run.mkdir(exist_ok=True, mode=0o700)
        qemu.start(wanted, snapshot)

    def _reach(self, patience: float) -> None:
        """Wait until a login works, and set the clock: in a snapshot it stands still."""
        deadline = time.monotonic() + patience
        while not self._marked():
            if not self.pid:
                raise MinidockerError("the machine ended while it started", self._look())
            if time.monotonic() > deadline:
                raise MinidockerError(f"no login works after {patience:.0f} s", self._look())
            time.sleep(0.2)

    def _look(self) -> str:
        return f"look at what it said: {self.directory / 'console.log'}"

    def _marked(self) -> bool:
        """Try to log in; set the clock, and note which version of the course is there."""
        line = f"date -u -s @{time.time():.0f} >/dev/null; cat {MARK} 2>/dev/null || echo none"
        try:
            patience = 20 * lab_arch.chosen().patience  # keys take long where they are emulated
            self._mark = self.ssh().shell(line, timeout=patience).strip()
        except (MinidockerError, subprocess.TimeoutExpired):
            return False
        return True

    def _course(self) -> None:
        """Bring the course and the learner's files into the machine, if it lacks them."""
        version, way = course.digest(), self.ssh()
        if self._mark != version:
            keep = " ".join(f"! -name {name}" for name in (*course.LEARNERS, ".minidocker"))
            line = (
                f"cd /minidocker && find . -mindepth 1 -maxdepth 1 {keep} -exec rm -rf {{}} + && "
                "tar -xf - --no-same-owner && chown -R learner:learner . && "
                f"echo {version} > {MARK}"
            )
            way.run(["sh", "-c", line], stdin=course.archive())
            self._mark = version
            self.synchronise(begin=True)
        else:
            self.synchronise()

    @contextlib.contextmanager
    def sharing(self) -> Iterator[Sync]:
        """Hold an agent in the machine that reads and writes the learner's files there."""
        far = Far(self.ssh().argv(["/usr/bin/python3", "-I", "-c", program("/minidocker")]))
        try:
            yield Sync(places.COURSE, far, self.directory / "sync.json", tell)
        finally:
            far.close()

    def synchronise(self, begin: bool = False) -> int:
        """Bring the learner's files together on both sides; return how many were carried."""
        if not self.shared or (not begin and not self._changed()):
            return 0
        # Before the look, so that what changes during it counts as new the next time.
        self.ssh().shell(f"touch {SYNCED}")
        with self.sharing() as sync:
            if begin or not sync.memory.exists():
                sync.begin()
            return sync.once()

    def _changed(self) -> bool:
        """Say whether either side may have changed; far quicker than a look at every file there."""
        try:
            last = json.loads((self.directory / "sync.json").read_text())
        except (OSError, ValueError):
            return True
        if scan(str(places.COURSE), FOLDERS) != last:
            return True
        folders = " ".join(FOLDERS)
        line = f"cd /minidocker && find {folders} -newer {SYNCED} -print -quit 2>/dev/null"
        return bool(self.ssh().shell(line, check=False).strip())

    # --- snapshots, down ---------------------------------------------------------------

    def snapshot(self, name: str) -> None:
        """Save the machine as it is now, memory and disk, under a name."""
        if not name.replace("-", "").replace("_", "").isalnum() or name.isdigit():
            raise MinidockerError(f"{name!r} cannot name a snapshot", "use letters and digits", 2)
        if name == PRISTINE:
            raise Conflict(f"{PRISTINE} is the machine's own snapshot", "choose another name", 2)
        with self.alone():
            self.ssh()
            self.synchronise()
            self._save(name)

    def _save(self, name: str) -> None:
        with qemu.Monitor(self.run / "qmp") as monitor:
            monitor.human(f"savevm {name}")
        if (self.directory / "sync.json").exists():
            shutil.copyfile(self.directory / "sync.json", self._memory(name))
        facts = {"hardware": self.facts()["hardware"], "at": time.time()}
        (self.directory / f"snapshot-{name}.json").write_text(json.dumps(facts))

    def _memory(self, snapshot: str) -> Path:
        return self.directory / f"sync-{snapshot}.json"

    def down(self, everything: bool = False) -> bool:
        """Take the machine down, the learner's work saved first; say whether there was anything.

        `everything` removes its disk and snapshots too.
        """
        if not self.directory.exists():
            return False
        with self.alone():
            was_up = bool(self.pid)
            self._down()
            if everything:
                self._forget()
        if everything:
            shutil.rmtree(self.directory, ignore_errors=True)
        return was_up or everything

    def _down(self) -> None:
        """Save work, if the machine still answers, and end QEMU."""
        if self.pid:
            way = self.ssh()
            try:
                if not self.shared or way.answers(timeout=20):
                    self.synchronise()
                else:
                    tell("the machine does not answer: what was changed in it last is not saved")
            except MinidockerError as problem:
                tell(f"the learner's files could not be saved: {problem.message}")
            way.close()
        qemu.stop(self.process)
        shutil.rmtree(self.run, ignore_errors=True)

    def _forget(self) -> None:
        """Remove the disk and all that belongs to it."""
        for path in self.directory.iterdir():
            if path.name not in ("lock", "log"):
                path.unlink()
