"""`minidocker status`."""

from __future__ import annotations

from minidocker.course.manifest import load
from minidocker.grader.standing import status
from minidocker.verbs.parser import make

EXAMPLES = """\
examples:
  minidocker
"""


def main(argv: list[str]) -> int:
    """Run the word; return its exit status."""
    parser = make("status", "Where you are in the course, and what comes next.", EXAMPLES)
    return status(load(), parser.parse_args(argv))
