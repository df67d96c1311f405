"""`minidocker grade`."""

from __future__ import annotations

from minidocker.course.manifest import load
from minidocker.grader.grading import grade
from minidocker.verbs.parser import make

EXAMPLES = """\
examples:
  minidocker grade                all lessons
  minidocker grade 01             one lesson
  minidocker grade spawn          one function, or one check
  minidocker grade --failing      what failed last
  minidocker grade --json -       the report as JSON
  minidocker grade --on vm        in the lab machine, which lacks nothing
  minidocker grade 01 --on vm --from class/* --csv marks.csv
                                  other people's files, each in a pristine machine

exit status: 0 all passed, 1 something failed or is not started,
3 something cannot be shown on this machine, 4 the grader has a fault
"""


def main(argv: list[str]) -> int:
    """Run the word; return its exit status."""
    parser = make("grade", "Judge your exercises on the real kernel.", EXAMPLES)
    parser.add_argument("lesson", nargs="*",
                        help="01, 1 or 01_pid; a function or a check; none means all")  # fmt: skip
    parser.add_argument("--failing", action="store_true", help="only what failed last")
    parser.add_argument("--from", dest="directory", metavar="DIR", nargs="+",
                        help="judge the exercise files in DIR, and record nothing")  # fmt: skip
    parser.add_argument("--json", metavar="FILE", help="write a report; - is standard output")
    parser.add_argument("--csv", metavar="FILE",
                        help="marks, a line a DIR; later, only changes are judged")  # fmt: skip
    parser.add_argument("--on", metavar="MACHINE", help="judge in the lab machine: vm, vagrant")
    parser.add_argument("--fresh", action="store_true",
                        help="with --on vm: put that machine back first")  # fmt: skip
    options = parser.parse_args(argv)
    if not options.on:
        return grade(load(), options)
    if options.failing:  # what failed stands in the journal here
        from minidocker.grader.grading import chosen

        failed = chosen(load(), options.lesson, failing=True)
        options.lesson = [check for checks in failed.values() for check in checks]
    if options.directory and (len(options.directory) > 1 or options.csv):
        from minidocker.classroom import batch

        return batch.grade(options)
    from minidocker.vm import remote

    return remote.grade(options)
