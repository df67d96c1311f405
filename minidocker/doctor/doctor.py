"""minidocker doctor: what this machine can show, which lessons run on it, and what would help.

    features()          every Finding by id, for the grader and the tests
    main(argv)          the command: a table, plain text in a pipe, or --json

Ids that lessons name in their manifests (`needs`): linux root pidns mntns utsns ipcns netns userns
cgroupns timens pivot_root overlay veth cgroup2 memory cpu pids io cpuset busybox iproute2 nft
strace openssl procps subids …; `minidocker doctor --json` shows them all.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from minidocker.course import manifest
from minidocker.doctor import cgroup_probe, host_probe, lab_probe, trial, user_probe, wall_probe
from minidocker.doctor.finding import GAP, Finding
from minidocker.errors import NotFound, UsageError
from minidocker.proc.machine import Host

VERSION = 1  # of the JSON; a field may be added, none changes its meaning

# What lessons 00 and 01 need, for a copy of minidocker that has no course beside it.
FIRST_LESSONS = ("linux", "root", "pidns", "mntns", "utsns")

EPILOG = """\
examples:
  minidocker doctor                 a table of what was seen, and the line that closes each gap
  minidocker doctor --json          the same for programs ("version": 1)
  MINIDOCKER_ROOT=/big/store minidocker doctor      ask about another place for the images

exit status: 0 when lessons 00 and 01 can run here, 1 when they cannot, 2 for a wrong command line.
Nothing on the machine is changed. What is tried is tried in a process of its own.
"""


@dataclass(frozen=True, slots=True)
class Lesson:
    """A lesson as its manifest names it, and what it lacks here."""

    id: str
    title: str
    missing: tuple[str, ...]

    @property
    def runs(self) -> bool:
        """Whether this machine offers all that the lesson needs."""
        return not self.missing


def features(target: Host | None = None) -> dict[str, Finding]:
    """Look at everything, and return the findings by id, in the order in which they are shown.

    The trials run in a fresh process, about 0.3 s. Works on any operating system, and raises
    nothing: what could not be found out is a gap that says so.
    """
    if target is None:
        target = Host()
    if target.linux and not target.tried:
        target.tried = trial.run(wall_probe.existing(target.store))
    elif not target.linux:
        target.tried = {"*": "needs Linux"}
    return {finding.id: finding for finding in _all(target)}


def missing(needs: Iterable[str], found: Mapping[str, Finding]) -> tuple[str, ...]:
    """Return which of `needs` this machine does not offer; an unknown id counts as missing."""
    return tuple(name for name in needs if name not in found or not found[name].ok)


def lessons(
    found: Mapping[str, Finding], written: Iterable[manifest.Lesson] | None = None
) -> list[Lesson]:
    """Return the lessons of the course with what each lacks here; [] when there is no course.

    A manifest that does not parse is UsageError.
    """
    if written is None:
        try:
            written = manifest.load().lessons
        except NotFound:
            written = ()
    return [Lesson(item.id, item.title, missing(item.needs, found)) for item in written]


def report(found: Mapping[str, Finding], listed: list[Lesson]) -> dict[str, Any]:
    """Return what `--json` prints: findings, lessons, and `ok`, whether 00 and 01 can run."""
    return {
        "version": VERSION,
        "ok": ready(found, listed),
        "findings": [finding.as_dict() for finding in found.values()],
        "lessons": [
            {"id": item.id, "title": item.title, "runs": item.runs, "missing": list(item.missing)}
            for item in listed
        ],
    }


def ready(found: Mapping[str, Finding], listed: list[Lesson]) -> bool:
    """Return whether lessons 00 and 01 can run here."""
    first = [item for item in listed if item.id[:2] in ("00", "01")]
    if first:
        return all(item.runs for item in first)
    return not missing(FIRST_LESSONS, found)


def main(argv: list[str]) -> int:
    """Run `minidocker doctor`; 0 when lessons 00 and 01 can run, else 1."""
    options = _parser().parse_args(argv)
    found = features()
    listed = lessons(found)
    told = report(found, listed)
    if options.json:
        print(json.dumps(told, indent=2))
    elif sys.stdout.isatty() and _rich_table(found, listed):
        pass
    else:
        print("\n".join(plain(found, listed)))
    return 0 if told["ok"] else 1


def plain(found: Mapping[str, Finding], listed: list[Lesson]) -> Iterable[str]:
    """Yield the report as lines of plain text: state, title, what was seen, the fixing line."""
    width = max((len(item.title) for item in found.values()), default=0)
    group = fix = ""
    for item in found.values():
        if item.group != group:
            group, fix = item.group, ""
            yield f"{group}:"
        yield f"  {MARKS[item.state]} {item.title:{width}}  {_clean(item.seen)}"
        if item.fix:
            yield f"       {'':{width}}  fix: {'the same' if item.fix == fix else item.fix}"
        fix = item.fix or fix
    yield from _lesson_lines(found, listed)


MARKS = {"ok": "ok  ", "gap": "GAP ", "info": "info"}


def _lesson_lines(found: Mapping[str, Finding], listed: list[Lesson]) -> Iterable[str]:
    yield "lessons:"
    for item in listed:
        word = "runs here" if item.runs else "blocked: needs " + ", ".join(item.missing)
        yield f"  {MARKS['ok' if item.runs else GAP]} {item.id}  {item.title}: {word}"
    if ready(found, listed):
        yield "You can begin: lessons 00 and 01 run here."
        if blocked := [item.id[:2] for item in listed if not item.runs]:
            yield f"The lab machine runs the others: {', '.join(blocked)} (minidocker vm up)."
        return
    if "rootless" in found and found["rootless"].ok:
        yield "You can run containers as this user: minidocker run base …"
        yield "The notebooks run in a room, where you are root and no harm is done: make learn."
        return
    yield "You cannot begin here yet: lessons 00 and 01 do not run."
    names = [name for item in listed if item.id[:2] in ("00", "01") for name in item.missing]
    for fix in dict.fromkeys(
        found[name].fix for name in names or missing(FIRST_LESSONS, found) if name in found
    ):
        yield f"  try: {fix}"


def _rich_table(found: Mapping[str, Finding], listed: list[Lesson]) -> bool:
    """Print the report as a table; False where rich is not installed."""
    try:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ImportError:
        return False
    styles = {"ok": "green", "gap": "bold red", "info": "cyan"}
    shapes = {"ok": "✓ ok", "gap": "✗ GAP", "info": "• info"}
    table = Table(title="What this machine can show", title_justify="left", show_lines=False)
    for heading in ("", "looked at", "seen, and what would help"):
        table.add_column(heading, overflow="fold")
    group = fix = ""
    for item in found.values():
        if group and item.group != group:
            table.add_section()
            fix = ""
        group = item.group
        seen = Text(_clean(item.seen))
        if item.fix:
            told = "the same" if item.fix == fix else item.fix
            seen.append(f"\nfix: {told}", style="bold")
        fix = item.fix or fix
        table.add_row(Text(shapes[item.state], style=styles[item.state]), item.title, seen)
    console = Console(emoji=False)  # knows NO_COLOR, TERM=dumb and the width
    console.print(table)
    for line in _lesson_lines(found, listed):
        console.print(Text(line))
    return True


def _all(target: Host) -> Iterable[Finding]:
    yield from host_probe.kernel(target)
    yield host_probe.python()
    yield from host_probe.rights(target)
    yield from user_probe.of_root(target)
    yield from host_probe.lab(target)
    yield from wall_probe.namespaces(target)
    yield from wall_probe.mounting(target)
    yield from user_probe.findings(target)
    yield from cgroup_probe.findings(target)
    yield from host_probe.programs(target)
    yield lab_probe.finding(target)


def _clean(text: str) -> str:
    """Return the text fit for any terminal: no control characters, no lone surrogates."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(letter if letter.isprintable() else "?" for letter in text)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"doctor: {message}", "minidocker doctor --help", 2)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="minidocker doctor",
        description="Look at this machine, and say which lessons can run on it.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", "--report", action="store_true",
                        help="print JSON, for programs, and for `class preflight`")  # fmt: skip
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
