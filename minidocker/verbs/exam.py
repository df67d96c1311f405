"""`minidocker exam`: real Podman on the learner's functions, judged from outside."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from minidocker.course import manifest
from minidocker.course.journal import Journal
from minidocker.course.printer import Printer
from minidocker.errors import Blocked, NotFound
from minidocker.exam import page
from minidocker.exam.sitting import Outcome, sit
from minidocker.verbs.parser import make

NOT_HERE = 3
ABOUT = (
    "The last exam: Podman runs containers on your own functions. In the package that it calls, "
    "ours are cut out where yours make a wall: what comes up there, your code has made. "
    "Whether it is right, the kernel says, looked at from outside."
)
AFTER = """\
what happens:
  1. The texts: a function that is still the starter's fails by name, before anything runs
     (those of *more* may wait).
  2. A room is made in memory, of namespaces and of ids that nobody has; it ends with the exam.
  3. There Podman runs hello, a shell, exec, stop and a build, by minidocker-runtime with your
     functions; and minidocker runs what Podman does by itself: layers, a network, an init.
  4. Each container is looked at from the host: NSpid, mountinfo, CapBnd, uid_map, …
What your code prints or writes proves nothing, and is not asked.

examples:
  minidocker exam
  minidocker exam --page .               exam.svg and exam.html, to keep
  minidocker exam --with docker          the same, by a dockerd of its own in the room
  minidocker exam --dir solutions        the course's own answers
  minidocker exam --json

Exit status: 0 passed, 1 not passed, 3 when this machine cannot hold an exam.
"""


def main(argv: list[str]) -> int:
    """Hold an exam; return its exit status."""
    parser = make("exam", ABOUT, AFTER)
    parser.add_argument("--dir", metavar="EXERCISES",
                        help="whose functions; exercises/ if not said")  # fmt: skip
    parser.add_argument("--with", dest="partner", choices=("podman", "docker"), default="podman",
                        help="who runs the containers; podman if not said")  # fmt: skip
    parser.add_argument("--page", metavar="DIR", help="write exam.svg and exam.html there")
    parser.add_argument("--json", action="store_true", help="one line of JSON instead of words")
    args = parser.parse_args(argv)
    course = manifest.load()
    named = args.dir or os.environ.get("MINIDOCKER_EXERCISES")
    directory = Path(named or course.root / "exercises")
    if not directory.is_dir():
        raise NotFound(f"{directory} is no directory", "--dir exercises", 2)
    printer = Printer(quiet=args.json)

    def tell(title: str, good: bool) -> None:
        sign = ("✓" if good else "✗") + " " if printer.shapes else ""
        printer.line(f"  {sign}{'ok' if good else 'not'}  {title}", "green" if good else "bold red")

    try:
        outcome = sit(course, directory, args.partner, tell, checked)
    except Blocked as problem:
        problem.status = NOT_HERE
        raise
    except KeyboardInterrupt:
        sys.stderr.write("minidocker: the exam was ended; nothing of it is left.\n")
        return 130
    show(outcome, printer)
    if directory.resolve() == (course.root / "exercises").resolve():
        ran = {row.name: row.container for row in outcome.rows() if row.word == "ran"}
        Journal(course.root).add("exam", by=args.partner, passed=outcome.passed, ran=ran)
    if args.page:
        for path in page.write(Path(args.page), outcome.rows(), outcome.sentence(), outcome.when):
            printer.line(f"  {path}")
    if args.json:
        print(json.dumps(outcome.data()))
    return 0 if outcome.passed else 1


def checked(file: str, text: str) -> list[tuple[tuple[str, ...], str, str]]:
    """Judge a text by its lesson's checks: (functions, outcome, why) for each."""
    from minidocker.grader import judge

    course = manifest.load()
    lesson = course.lesson(file.removesuffix(".py"))
    entry = {"lesson": lesson.id, "name": "exam", "text": text}
    results = judge.judge(course, judge.tasks(course, [entry]), lambda result: None)
    functions = {check.id: tuple(check.functions) for check in lesson.checks}
    return [(functions[one.check], one.outcome, one.message or one.title) for one in results]


def show(outcome: Outcome, printer: Printer) -> None:
    """Print each function that was seen, and then what failed, by name."""
    for row in outcome.rows():
        if row.word == "ran":
            printer.line(f"  {row.lesson}  {row.name:<18} {row.container:<16} {row.seen}")
    for row in outcome.rows():
        if row.word == "not asked" and outcome.passed:
            printer.line(f"  {row.lesson}  {row.name:<18} not asked here: {row.seen}", "dim")
    for failure in outcome.failures:
        printer.line(failure, "bold red")
    printer.line(outcome.sentence() if outcome.passed else "Not passed.", "bold")
