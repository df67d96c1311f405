"""`minidocker watch`."""

from __future__ import annotations

from minidocker.course.manifest import load
from minidocker.grader.grading import watch
from minidocker.verbs.parser import make

EXAMPLES = """\
examples:
  minidocker watch 01
"""


def main(argv: list[str]) -> int:
    """Run the word; return its exit status."""
    about = "Judge a lesson whenever its file is saved; show one exercise at a time."
    parser = make("watch", about, EXAMPLES)
    parser.add_argument("lesson", nargs="*", help="01, 1 or 01_pid; none means all")
    return watch(load(), parser.parse_args(argv))
