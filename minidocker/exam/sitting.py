"""Sitting: one exam from beginning to end: the texts, the room, the containers, the outcome."""

from __future__ import annotations

import os
import platform
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from minidocker.course.manifest import OWN_COURSE, Manifest
from minidocker.course.outcomes import inert
from minidocker.errors import Blocked
from minidocker.exam import asked, containers, kit
from minidocker.exam.elsewhere import file_of
from minidocker.exam.page import Row
from minidocker.exam.partners import PARTNERS
from minidocker.exam.yard import HIDDEN, PROGRAMS, SHOWN, Yard, program
from minidocker.places import LAB_MARKER

PACKAGES = "sudo apt-get install busybox-static iproute2 nftables util-linux openssl"


@dataclass(slots=True)
class Outcome:
    """What came out: a row for each function, and a sentence for each failure."""

    partner: str
    functions: list[asked.Asked]
    findings: list[containers.Finding] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    when: str = ""
    reasons: dict[str, str] = field(default_factory=dict)  # why a function was not asked here

    @property
    def passed(self) -> bool:
        """Say whether nothing failed, and something ran."""
        return not self.failures and any(one.good for one in self.findings)

    def sentence(self) -> str:
        """Say it in one sentence."""
        ran = len({one.asked.name for one in self.findings if one.good and one.container != CELL})
        if not self.passed:
            return f"Not passed: {self.failures[0] if self.failures else 'nothing ran.'}"
        name = PARTNERS[self.partner].name
        return f"With {name}, {ran} of your functions did their work, seen from outside."

    def rows(self) -> list[Row]:
        """Return a row for each function, in the order of the lessons."""
        known = {(one.asked.number, one.asked.name): one for one in self.findings}
        rows = []
        for one in self.functions:
            found = known.get((one.number, one.name))
            if found:
                word, where, seen = "ran" if found.good else "failed", found.container, found.seen
            elif one.state != asked.YOURS:
                word, where, seen = "failed" if one.failed else "not asked", "", one.why
            else:
                reasons = containers.NOT_HERE | PARTNERS[self.partner].not_asked | self.reasons
                late = "the exam ended before it" if self.failures else "no container needed it"
                why = reasons.get(one.name, late)
                word, where, seen = "not asked", "", why
            rows.append(Row(one.number, one.name, where, inert(seen), word))
        return rows

    def data(self) -> dict[str, Any]:
        """Return it as plain data, for --json."""
        rows = []
        for row in self.rows():
            repository, file = file_of(row.name)
            rows.append({
                "lesson": row.lesson, "function": row.name, "result": row.word,
                "container": row.container, "seen": row.seen, "repository": repository,
                "file": file,
            })  # fmt: skip
        return {
            "passed": self.passed, "with": self.partner, "when": self.when,
            "failures": [inert(one) for one in self.failures], "functions": rows,
        }  # fmt: skip


# (lesson, its text) → a result a check: function names, "pass", "fail" or another word, and why
Checks = Callable[[str, str], list[tuple[tuple[str, ...], str, str]]]
CELL = "the judge's cell"


def sit(
    course: Manifest, directory: Path, partner: str, tell: Callable[[str, bool], None],
    checks: Checks | None = None,
) -> Outcome:  # fmt: skip
    """Judge a directory of exercises; Blocked where this machine cannot.

    The texts come first: a starter fails by name before anything runs. `checks` judges a lesson
    whose functions no container of the exam's room needs, as it has no cgroup.
    """
    functions, texts = asked.read(course, directory)
    outcome = Outcome(partner, functions, when=moment())
    outcome.failures = [one.sentence() for one in functions if one.failed]
    if outcome.failures:
        return outcome
    must_be_here(course, partner)
    yours = [one for one in functions if one.state == asked.YOURS]
    errno = random.SystemRandom().choice(containers.ERRNOS)
    files = {**kit.files(yours, texts), "seccomp.json": kit.profile(errno)}
    yard = Yard(files, PARTNERS[partner].programs)
    try:
        exam = containers.Exam(yard, PARTNERS[partner], yours, tell, errno)
        exam.run()
    finally:
        yard.end()
    outcome.findings, outcome.failures = exam.findings, exam.failures
    if checks and outcome.failures:
        by_whose_fault(outcome, texts, checks)
    elif checks:
        by_checks(outcome, texts, checks)
        tell(f"what no container here needs, by its checks in {CELL}", not outcome.failures)
    return outcome


def by_whose_fault(outcome: Outcome, texts: dict[str, str], checks: Checks) -> None:
    """Let the lessons' own checks say whose fault it is that a container did not come up.

    Where one function breaks, another may not have done its work: pivot_root(2) is refused while
    make_private has left a mount shared. What was looked at from outside needs no second opinion.
    """
    failure = outcome.failures[0]
    if containers.LOOKED_AT in failure:
        return
    yours = [one for one in outcome.functions if one.state == asked.YOURS]
    named = [one for one in yours if failure.startswith(f"lesson {one.number}: {one.name}")]
    for file in dict.fromkeys(one.file for one in [*named, *yours]):
        for names, word, why in checks(file, texts[file]):
            mine = [one for one in yours if one.file == file and one.name in names]
            if word != "fail" or not mine:
                continue
            if mine[0] not in named:
                said = inert(why).split("\n")[0]
                failure = f"lesson {mine[0].number}: {mine[0].name}: {said} So: {failure}"
                outcome.failures[0] = failure
            return


def by_checks(outcome: Outcome, texts: dict[str, str], checks: Checks) -> None:
    """Judge what no container of the room needs by its lesson's own checks."""
    asked_here = {
        one.name: one for one in outcome.functions
        if one.state == asked.YOURS and one.name in containers.NOT_HERE
    }  # fmt: skip
    for file in sorted({one.file for one in asked_here.values()}):
        results = checks(file, texts[file])
        for name, one in asked_here.items():
            if one.file != file:
                continue
            mine = [(word, why) for names, word, why in results if name in names]
            bad = [inert(why).split("\n")[0] for word, why in mine if word == "fail"]
            good = sum(word == "pass" for word, _ in mine)
            if bad:
                outcome.failures.append(f"lesson {one.number}: {name}: {bad[0]}")
                outcome.findings.append(containers.Finding(one, CELL, bad[0], False))
            elif good:
                said = f"{good} of {len(mine)} checks pass"
                blocked = [inert(why).partition(": ")[0] for word, why in mine if word == "blocked"]
                said += f", {len(blocked)} blocked here: {blocked[0]}" if blocked else ""
                outcome.findings.append(containers.Finding(one, CELL, said, True))
            elif mine:
                outcome.reasons[name] = inert(mine[0][1]).split("\n")[0]


def must_be_here(course: Manifest, partner: str) -> None:
    """Refuse what cannot be done on this machine, in a sentence."""
    who = PARTNERS[partner]
    if missing := [name for name in PROGRAMS if not program(name)]:
        raise Blocked(f"the exam needs {', '.join(missing)}: not on this machine", PACKAGES)
    if missing := [name for name in who.programs if not program(name)]:
        if os.path.exists(LAB_MARKER):
            raise Blocked(
                f"the lab machine is small, and has no {who.name}",
                "hold the exam outside of it: it has a room of its own, where it can do no harm",
            )
        raise Blocked(
            f"the exam with {who.name} needs {', '.join(missing)}: not on this machine",
            who.package + ("; minidocker exam --with podman" if partner == "docker" else ""),
        )
    for place in {course.root.resolve(), OWN_COURSE}:
        shown = [one for one in SHOWN if place.is_relative_to(one)]
        if shown and not any(place.is_relative_to(one) for one in HIDDEN):
            raise Blocked(
                f"the course lies in {place}, and the exam's room shows {shown[0]}: learner code "
                "could read the solutions there",
                "move the course, such as to your home directory",
            )


def moment() -> str:
    """Say when and where, for the page."""
    system = f"Linux {platform.release()}, {platform.machine()}"
    return f"{time.strftime('%Y-%m-%d %H:%M')}, {system}, Python {platform.python_version()}"
