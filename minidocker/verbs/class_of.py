"""`minidocker class`: a class of two, or of two hundred: judged, marked, handed back."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from minidocker.verbs.parser import make

AFTER = """\
examples:
  minidocker class new os26 --roster gradebook.csv --lessons 00 01 02
                                    os26/class.toml: edit it; docs/teaching.md has its words
  cd os26; minidocker class grade ../submissions.zip
                                    what Canvas, Moodle, Blackboard or Gradescope hands out; folders
  minidocker class grade ../submissions.zip
                                    again: only what is new, changed, or had no verdict
  minidocker class merge /media/stick/os26
                                    what another machine has judged, or another day
  minidocker class export csv
  minidocker class export canvas --table gradebook.csv --column "Lab 1 (1234)" --out filled.csv
                                    the teacher's own export, one column filled
  minidocker class report             pages: pages/index.html, and one for each student
  minidocker class pack ../edition --tar edition.tar.gz
                                    what students get: no solutions, ready for git; with
                                    `variants = true` each one's own exercises, too
  minidocker class preflight reports.zip
                                    who is not ready, from each one's `doctor --json`
  minidocker class preflight submissions.zip
                                    what is wrong with them, and with this machine, beforehand
  minidocker class compare            pairs to look at, never a verdict
  minidocker class viva ada           three questions on two of her own functions
  minidocker class slides 01          slides/01_pid.html, from the lesson's notebook

Each submission has one record, in records/ beside the class file. Ctrl-C, a full disk or a power
cut costs what was being judged at that moment; the same command goes on.

exit status: 0 each has a verdict, 4 one has none
"""


def main(argv: list[str]) -> int:
    """Run one of the words; return its exit status."""
    parser = make("class", "A class: many submissions, judged, marked and handed back.", AFTER)
    words = parser.add_subparsers(metavar="WORD", required=True)
    for add in (_new, _grade, _merge, _export, _report, _pack, _preflight, _compare, _viva, _card,
                _slides):
        add(words)
    options = parser.parse_args(argv)
    return int(options.run(options))


def _word(words: Any, name: str, about: str, run: Any, after: str = "") -> argparse.ArgumentParser:
    """Add a word; all but `new`, `card` and `slides` read a class file."""
    word: argparse.ArgumentParser = words.add_parser(
        name, help=about, description=about[0].upper() + about[1:] + ".", epilog=after,
        formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
    )  # fmt: skip
    word.set_defaults(run=run)
    if name not in ("new", "card", "slides"):
        word.add_argument("--file", default="class.toml", metavar="FILE",
                          help="the class; default: class.toml")  # fmt: skip
    return word


def _new(words: Any) -> None:
    word = _word(words, "new", "write a class file to begin with", run_new)
    word.add_argument("folder", help="where class.toml and the records will lie")
    word.add_argument("--title", default="A class", help="what the pages are headed with")
    word.add_argument("--roster", metavar="CSV", help="a gradebook of a platform, for its logins")
    word.add_argument("--lessons", nargs="+", metavar="NN", help="default: all")


def run_new(options: argparse.Namespace) -> int:
    """`class new`."""
    from minidocker.classroom import classfile, exporting, new
    from minidocker.course import outcomes

    manifest = exporting.course()
    lessons = [manifest.lesson(one) for one in options.lessons or ()] or list(manifest.lessons)
    lessons = list({lesson.id: lesson for lesson in lessons}.values())
    roster, notes = new.roster(Path(options.roster)) if options.roster else ([], [])
    path = new.write_new(Path(options.folder), options.title, lessons, roster)
    print(f"{path}: {len(lessons)} lessons, {len(roster)} students. Edit it; then: class grade")
    for note in notes:
        print(outcomes.inert(f"  to look at  {note}"))
    classfile.read(path, manifest)  # a login that none may have: the line to mend is said now
    return 0


def _grade(words: Any) -> None:
    word = _word(words, "grade", "judge submissions, each with one durable record", run_grade)
    word.add_argument("submissions", nargs="+", metavar="SUBMISSIONS",
                      help="folders, zips, tars; what a platform hands out")  # fmt: skip
    word.add_argument("--jobs", type=_count, metavar="N",
                      help="so many at once; default: what cores and memory hold")  # fmt: skip
    word.add_argument("--only", action="append", metavar="NAME", help="this submission only")
    word.add_argument("--again", action="store_true", help="judge also what has its verdict")
    word.add_argument("--keep", metavar="NAME", help="keep this submission's files, to look at")
    word.add_argument("--scheduler", metavar="ADDRESS",
                      help="judge on a dask.distributed cluster: tcp://HOST:8786")  # fmt: skip
    word.add_argument("--on", metavar="MACHINE", choices=["vm"],
                      help="vm: each in a pristine lab machine, one at a time")  # fmt: skip


def run_grade(options: argparse.Namespace) -> int:
    """`class grade`."""
    from minidocker.classroom import grading

    return grading.grade(options)


def _merge(words: Any) -> None:
    word = _word(words, "merge", "take records of another machine, or of another day", run_merge,
                 MERGE)  # fmt: skip
    word.add_argument("folders", nargs="+", metavar="FOLDER", help="another class's folder")


MERGE = """\
The other class has the same edition and lessons; its roster may be another part. Each submission
has one record in the end: of one text what once passed has passed; of two texts the later counts,
and the mark before stands beside it. The other folder stays as it is.
"""


def run_merge(options: argparse.Namespace) -> int:
    """`class merge`."""
    from minidocker.classroom import merging

    return merging.merge(options)


EXPORTS = """\
formats:
  csv, json     students × lessons
  canvas        --table: Grades, Export; --column: one assignment. All other bytes are kept.
  moodle        --table: the assignment's grading worksheet. Grade and feedback are filled.
  gradescope    a folder: results.json for each, and an autograder.zip that hands them out
  autograder    a zip for Gradescope that judges there what a container without privileges can
                show: cells where it has namespaces, else a third of the later lessons' checks
  nbgrader      as `nbgrader export` writes it
  classroom50   a folder: result.json for each
  junit         for GitLab, Jenkins and others; what is blocked is skipped

The mark is the weighted part of the points that could be judged, on a scale: --scale, else what the
platform's table says, else 100. Who has no verdict has an empty cell.
"""


def _export(words: Any) -> None:
    word = _word(words, "export", "write marks as a platform reads them", run_export, EXPORTS)
    from minidocker.classroom.exporting import FORMATS

    word.add_argument("format", choices=FORMATS, metavar="FORMAT", help="see below")
    word.add_argument("--out", metavar="PATH", help="default: standard output, or ./FORMAT")
    word.add_argument("--table", metavar="CSV", help="what the platform gave out, to be filled in")
    word.add_argument("--column", metavar="NAME", help="the column of the grade in it")
    word.add_argument("--scale", type=_scale, metavar="N", help="the best mark")
    word.add_argument("--lesson", nargs="+", metavar="NN", help="of these alone")


def run_export(options: argparse.Namespace) -> int:
    """`class export`."""
    from minidocker.classroom import exporting, there

    return there.export(options) if options.format == "autograder" else exporting.export(options)


def _report(words: Any) -> None:
    word = _word(words, "report", "write a page for the teacher, and one for each student",
                 run_report)  # fmt: skip
    word.add_argument("--out", default="pages", metavar="DIR", help="default: pages")


def run_report(options: argparse.Namespace) -> int:
    """`class report`."""
    from minidocker.classroom import reporting

    return reporting.report(options)


def _pack(words: Any) -> None:
    word = _word(words, "pack", "write the students' edition: no solutions", run_pack)
    word.add_argument("folder", help="new, empty, or of an earlier pack; a .git there stays")
    word.add_argument("--tar", metavar="FILE", help="a tar of it too, gzip")


def run_pack(options: argparse.Namespace) -> int:
    """`class pack`."""
    from minidocker.classroom import pack

    return pack.pack(options)


def _preflight(words: Any) -> None:
    word = _word(words, "preflight", "who or what is not ready, before the grading", run_preflight,
                 PREFLIGHT)  # fmt: skip
    word.add_argument("paths", nargs="*", metavar="PATH", help="reports, or submissions")


PREFLIGHT = """\
Of learners' machines: folders, archives, files of `minidocker doctor --json`. Who is not ready, and
the line that helps.
Of submissions, as for `class grade`: what cannot be read, who is not on the roster, two of one
student, odd names, missing files, the exercise as given, the same file twice. None is judged.
And of this machine, with submissions or with no PATH: memory, disk, and one judging on trial.

exit status: 0 nothing to mend, 1 something is said
"""


def run_preflight(options: argparse.Namespace) -> int:
    """`class preflight`."""
    from minidocker.classroom import preflight

    return preflight.preflight(options)


def _compare(words: Any) -> None:
    word = _word(words, "compare", "pairs with lines in common: to look at, no verdict",
                 run_compare)  # fmt: skip
    word.add_argument("--least", type=_percent, default=60, metavar="PERCENT", help="default: 60")
    word.add_argument("--most", type=_pairs, default=30, metavar="N", help="pairs; default: 30")


def run_compare(options: argparse.Namespace) -> int:
    """`class compare`."""
    from minidocker.classroom import compare

    return compare.compare(options)


def _viva(words: Any) -> None:
    word = _word(words, "viva", "three questions on a learner's own functions", run_viva)
    word.add_argument("login")


def run_viva(options: argparse.Namespace) -> int:
    """`class viva`."""
    from minidocker.classroom import viva

    return viva.viva(options)


def _card(words: Any) -> None:
    word = _word(words, "card", "three questions for who sees a message: MD0303", run_card)
    word.add_argument("code", help="of a message")


def run_card(options: argparse.Namespace) -> int:
    """`class card`."""
    from minidocker.classroom.cards import card
    from minidocker.course.manifest import load
    from minidocker.errors import NotFound

    code = options.code.upper()
    message = load().messages.get(code)
    if message is None:
        raise NotFound(f"no message has the code {options.code}", "it begins with MD", 2)
    found = card(message)
    print(f"{code}  {message}\n{found.about}:")
    for number, question in enumerate(found.questions, 1):
        print(f"  {number}. {question}")
    return 0


def _slides(words: Any) -> None:
    word = _word(words, "slides", "write slides for each lesson, from its notebook", run_slides)
    word.add_argument("lessons", nargs="*", metavar="NN", help="default: all")
    word.add_argument("--out", default="slides", metavar="DIR", help="default: slides")


def run_slides(options: argparse.Namespace) -> int:
    """`class slides`."""
    from minidocker.classroom import exporting
    from minidocker.classroom.pages.slides import slides_page

    manifest = exporting.course()
    lessons = [manifest.lesson(one) for one in options.lessons] or manifest.lessons
    place = Path(options.out)
    exporting.folder(place)
    for lesson in lessons:
        said = slides_page(lesson, manifest.root / lesson.notebook)
        exporting.write(str(place / f"{lesson.id}.html"), said.encode())
        print(f"{place / lesson.id}.html: {said.count('<section')} slides")
    return 0


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 256:
        raise argparse.ArgumentTypeError("1 to 256")
    return number


def _pairs(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("1 or more")
    return number


def _percent(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 100:
        raise argparse.ArgumentTypeError("0 to 100")
    return number


def _scale(text: str) -> float:
    number = float(text)
    if not 0 < number <= 1_000_000:  # no NaN either: it is in no order
        raise argparse.ArgumentTypeError("above 0")
    return number
