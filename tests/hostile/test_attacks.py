"""What an enemy tries in a cell, and that nothing of it is seen outside; see attacks.py.

`python tests/hostile/test_attacks.py` prints the table of what each one tried and what stopped it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections import defaultdict
from pathlib import Path

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from attacks import ATTACKS, WORK

from minidocker.chamber import cell_needs, cgroups
from minidocker.course.manifest import load
from minidocker.grader.machine import Machine

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.needs("root", "pidns")
CHECKS = ["exit_status"]
CLERKS = {"03_rootfs": "dev_nodes", "04_union_layers": "changes", "12_layers": "pack_marks"}
"""Lessons whose cells have a clerk for device nodes, and a check of each: attacked, too."""
ODD = {
    "a list that holds itself": "found = []; found.append(found)",
    "5000 lists in one another": "found = []\n    for _ in range(5000): found = [found]",
    "a number of 5000 digits": "found = 10**5000",
    "not a number": "found = float('nan')",
    "an int that equals everything": "found = type('I', (int,), {'__eq__': lambda *_: True})(3)",
    "a text that equals everything": "found = type('S', (str,), {'__eq__': lambda *_: True})('x')",
    "what raises when it is shown": "found = type('R', (), {'__repr__': lambda _: 1 / 0})()",
    "what ends Python when it is shown": "found = type('R', (), {'__repr__': lambda _: os._exit(0)})()",
    "what runs a command when it is unpacked":
        "found = type('P', (), {'__reduce__': lambda _: (os.system, ('touch CANARY/odd',))})()",
    "lone surrogates and control characters": "found = '\\udc80\\u202e\\x1b[2J'",
    "keys that are no texts": "found = {(1, 2): None}",
    "an exit": "raise SystemExit(0)",
}  # fmt: skip
"""What exit_status answers: data of an enemy. Each is a fail, never an error, and soon."""
MOST_SECONDS = 45  # for one check, whatever its subject does
SETTINGS = ("kernel/core_pattern", "kernel/pid_max", "kernel/panic", "kernel/sysrq",
            "kernel/modprobe", "vm/overcommit_memory", "fs/file-max", "kernel/hostname")  # fmt: skip


def lesson():
    return next(one for one in load(ROOT).lessons if one.id.endswith("_pid"))


def course_lesson(name):
    return next(one for one in load(ROOT).lessons if one.id == name)


def laid_over(attack, canary, lesson):
    groups = bool(cell_needs.cgroup_parent() or cell_needs.old_groups())
    head = (
        "import os\nfrom minidocker.kernel.linux import Linux\nkernel, reached = Linux(), []\n"
        f"CANARY, MEMORY_GROUPS = {str(canary)!r}, {groups}\n"
    )
    # In two words, so that the line itself, which a message shows, is not what is looked for.
    tail = "\nraise RuntimeError('REACH' 'ED ' + ' '.join(map(str, reached)) if reached else 'held')"
    solution = (ROOT / "solutions" / lesson.file).read_text()
    return f"{solution}\n{head}{attack.code}{tail}\n"


def host():
    """What no cell may change."""
    facts = Machine().facts()
    paths = [Path(f"/proc/sys/{name}") for name in SETTINGS]
    facts["settings"] = {str(path): path.read_text() for path in paths if path.exists()}
    facts["groups"] = [  # of graders that have ended: one that runs beside us has its own
        name for place in ("/sys/fs/cgroup", *cell_needs.old_groups()) if os.path.isdir(place)
        for name in os.listdir(place) if name.startswith(cell_needs.CELL)
        and not os.path.exists(f"/proc/{name.removeprefix(cell_needs.CELL).partition('.')[0]}")
    ]  # fmt: skip
    del facts["mounts"]  # compared in a mount namespace of the judge's own
    return facts


def alive(token):
    """The pids of processes of the judge with this token, and of those with ids of a cell."""
    ids = cell_needs.FIRST_IDS
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if token in Path(f"/proc/{pid}/environ").read_bytes():
                found.append(int(pid))
            if ids.start <= os.stat(f"/proc/{pid}").st_uid < ids.stop:
                found.append(int(pid))
        except OSError:
            continue
    return found


@pytest.fixture(scope="session")
def after(tmp_path_factory):
    """Judge all attacks in one grading; the last subject is innocent."""
    canary = tmp_path_factory.mktemp("canary")
    (canary / "private").write_text("secret of the caller")
    (canary / "private").chmod(0o600)
    entries = [
        {"lesson": lesson().id, "name": one.name, "text": laid_over(one, canary, lesson()),
         "checks": CHECKS}
        for one in ATTACKS
    ] + [
        {"lesson": name, "name": f"{name}/{one.name}", "checks": [check],
         "text": laid_over(one, canary, course_lesson(name))}
        for name, check in CLERKS.items() for one in ATTACKS if one.kind == "host"
    ]  # fmt: skip
    solution = (ROOT / "solutions" / lesson().file).read_text()
    entries += [
        {"lesson": lesson().id, "name": f"answers {name}", "checks": CHECKS,
         "text": f"{solution}\n\ndef exit_status(status):\n    "
                 f"{code.replace('CANARY', str(canary))}\n    return found\n"}
        for name, code in ODD.items()
    ]  # fmt: skip
    entries += [
        {"lesson": one.lesson, "name": one.name, "checks": [one.check],
         "text": (ROOT / "solutions" / f"{one.lesson}.py").read_text() + "\n\n" + one.code}
        for one in WORK
    ]  # fmt: skip
    entries.append({"lesson": lesson().id, "name": "innocent", "text": solution})
    token = uuid.uuid4().hex
    env = {**os.environ, "MINIDOCKER_COURSE": str(ROOT), "PYTHONPATH": str(ROOT),
           "HOSTILE_TOKEN": token}  # fmt: skip
    apart = ["unshare", "--mount", "--propagation", "private", "sh", "-c",
             'mount --make-rshared / && cat /proc/self/mountinfo > "$0/before" && "$@"; '
             'cat /proc/self/mountinfo > "$0/after"', str(canary)]  # fmt: skip
    cgroups.sweep()  # what a grader that was killed has left; the next one takes it away
    before, begin = host(), time.monotonic()
    done = subprocess.run(
        [*apart, sys.executable, "-m", "minidocker.grader.judge"], env=env, text=True,
        input=json.dumps(entries), capture_output=True, timeout=900,
    )  # fmt: skip
    verdicts = defaultdict(dict)
    for line in done.stdout.splitlines():
        verdict = json.loads(line)
        verdicts[verdict["subject"]][verdict["id"]] = verdict
    return {
        "verdicts": verdicts, "before": before, "after": host(), "said": done.stderr,
        "mounts": [(canary / name).read_text() for name in ("before", "after")],
        "private": (canary / "private").read_text(), "alive": alive(token.encode()),
        "files": sorted(os.listdir(canary)), "seconds": time.monotonic() - begin,
    }  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_fails_and_reaches_nothing(after, attack):
    reaches_nothing(after["verdicts"][attack.name]["exit_status"])


@pytest.mark.parametrize("lesson_id", CLERKS)
@pytest.mark.parametrize("attack", [one for one in ATTACKS if one.kind == "host"],
                         ids=lambda attack: attack.name)  # fmt: skip
def test_an_attack_on_the_host_reaches_nothing_by_a_clerk(after, attack, lesson_id):
    reaches_nothing(after["verdicts"][f"{lesson_id}/{attack.name}"][CLERKS[lesson_id]])


@pytest.mark.parametrize("name", ODD)
def test_an_odd_answer_is_a_fail(after, name):
    reaches_nothing(after["verdicts"][f"answers {name}"]["exit_status"])


@pytest.mark.parametrize("one", WORK, ids=lambda one: f"{one.lesson[:2]}-{one.name}")
def test_an_attack_from_within_the_work_is_a_fail(after, one):
    reaches_nothing(after["verdicts"][one.name][one.check])


def reaches_nothing(verdict):
    assert verdict["outcome"] == "fail", verdict
    assert "REACHED" not in verdict["message"], verdict
    assert "secret of the caller" not in verdict["message"]
    assert verdict["earned"] == 0
    assert verdict["seconds"] < MOST_SECONDS
    assert verdict["message"].isprintable() or all(
        one.isprintable() or one == "\n" for one in verdict["message"]
    )


def test_the_innocent_passes_after_them(after):
    found = after["verdicts"]["innocent"]
    assert len(found) == len(lesson().checks)
    assert {verdict["outcome"] for verdict in found.values()} == {"pass"}, found


def test_nothing_of_it_is_seen_on_the_host(after):
    assert after["after"] == after["before"]
    assert after["mounts"][0] == after["mounts"][1]
    assert after["private"] == "secret of the caller"
    assert after["files"] == ["after", "before", "private"]
    assert after["alive"] == []
    assert after["said"] == ""


def table():
    """Return the table of attacks as lines of Markdown."""
    rows = ["| wants | tries | is stopped by |", "|---|---|---|"]
    return rows + [f"| {one.kind} | {one.tries} | {one.stopped_by} |" for one in ATTACKS]


if __name__ == "__main__":
    print("\n".join(table()))
