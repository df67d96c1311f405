"""`minidocker hint`."""

from __future__ import annotations

from minidocker.course.manifest import load
from minidocker.grader.hinting import hint
from minidocker.verbs.parser import make

ABOUT = """\
Show the next hint for what failed last: three steps, the last is a piece of code.
After three different tries there is more: our lines in mixed order, then yours and ours
compared, call by call.
"""
EXAMPLES = """\
examples:
  minidocker hint                 for the lesson graded last
  minidocker hint 01              for a lesson
  minidocker hint spawn           for a function, or a check
  minidocker hint MD0101          for a message
"""


def main(argv: list[str]) -> int:
    """Run the word; return its exit status."""
    parser = make("hint", ABOUT, EXAMPLES)
    parser.add_argument("what", nargs="?", help="a lesson, a check, a function or a code")
    return hint(load(), parser.parse_args(argv))
